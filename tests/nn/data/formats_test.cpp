#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/data/cifar.h"
#include "dagrad/nn/data/numpy.h"
#include "dagrad/nn/io/npy.h"
#include "dagrad/nn/io/npz.h"
#include "expect_error.h"
#include "scratch_folder.h"

namespace dagrad::data {
namespace {

using Cifar = ScratchFolder;
using Numpy = ScratchFolder;

std::string image(char label, char value) { return label + std::string(1024, value) + std::string(2048, '\0'); }

TEST_F(Cifar, ReadsRecords) {
  write("data_batch_1.bin", image(3, '\xff') + image(9, '\x33'));
  write("data_batch_2.bin", image(1, '\0'));
  write("test_batch.bin", image(0, '\1'));
  const Split split = load_cifar10(folder_);
  EXPECT_EQ(split.train.features.shape(), (Shape{3, 3, 32, 32}));
  EXPECT_EQ(split.train.labels.to_vector<int>(), (std::vector<int>{3, 9, 1}));
  EXPECT_EQ(split.train.features.data<float>()[0], 1);
  EXPECT_EQ(split.train.features.data<float>()[1024], 0);
  EXPECT_EQ(split.train.features.data<float>()[3072], 0.2f);
  EXPECT_EQ(split.test.size(), 1);
  EXPECT_EQ(split.test.classes, 10);
}

TEST_F(Cifar, SaysWhatIsWrong) {
  const auto file = folder_ / "a";
  expect_error<IoError>([&] { load_cifar10_file(write("a", "abc")); },
                        file.string() + ": has 3 bytes (want a multiple of 3073, the bytes of an image)");
  expect_error_with<IoError>([&] { load_cifar10_file(write("a", "")); }, "has 0 bytes");
  expect_error<IoError>([&] { load_cifar10_file(write("a", image(1, 0) + image(10, 0))); },
                        file.string() + ": label 10 at index 1 (want 0 to 9)");
  expect_error_with<IoError>([&] { load_cifar10(folder_); }, "data_batch_1.bin: cannot be opened");
}

TEST_F(Numpy, TellsClassesFromNumbers) {
  io::save_npz({{"x", ones({3, 2}, f64)}, {"y", tensor({0, 4, 1}, {3, 1}, i64)}, {"z", ones({3, 2}, f64)}},
               folder_ / "a");
  const Dataset classes = load_npz_dataset(folder_ / "a");
  EXPECT_EQ(classes.features.dtype(), f32);
  EXPECT_EQ(classes.labels.shape(), Shape{3});
  EXPECT_EQ(classes.classes, 5);
  EXPECT_EQ(load_npz_dataset(folder_ / "a", {.classes = 7}).classes, 7);
  const Dataset numbers = load_npz_dataset(folder_ / "a", {.labels = "z"});
  EXPECT_EQ(numbers.labels.shape(), (Shape{3, 2}));
  EXPECT_EQ(numbers.labels.dtype(), f32);
  EXPECT_EQ(numbers.classes, 0);
  io::save_npy(ones({2, 2}), folder_ / "x.npy");
  io::save_npy(tensor({0, 1}, u8), folder_ / "y.npy");
  EXPECT_EQ(load_npy_dataset(folder_ / "x.npy", folder_ / "y.npy").classes, 2);
}

TEST_F(Numpy, SaysWhatIsWrong) {
  const std::string file = (folder_ / "a").string();
  const auto load = [&](const Tensor& x, const Tensor& y, const NumpyOptions& options = {}) {
    io::save_npz({{"x", x}, {"y", y}}, folder_ / "a");
    load_npz_dataset(folder_ / "a", options);
  };
  const Tensor bad = tensor({1, std::numeric_limits<double>::quiet_NaN(), 2, 3}, {2, 2}, f32);
  expect_error<IoError>([&] { load(bad, zeros({2}, i64)); },
                        file + ": sample 0 has a feature that is NaN or infinite (want finite numbers)");
  expect_error<IoError>(
      [&] {
        load(ones({2, 2}), bad);
      },
      file + ": the label of sample 0 is NaN or infinite (want finite numbers)");
  expect_error<IoError>(
      [&] {
        load(ones({2, 2}), zeros({3}, i64));
      },
      file + ": features [2, 2], labels [3] (want one label a sample)");
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  expect_error_with<IoError>(
      [&] {
        load(ones({1, 2}), tensor(std::vector<std::int64_t>{kMost}));
      },
      ": the largest label is 9223372036854775807");
  expect_error<IoError>(
      [&] {
        load(ones({2, 2}), tensor({0, -1}, i64));
      },
      file + ": the label of sample 1 is -1 (want 0 to 0)");
  expect_error<IoError>(
      [&] {
        load(ones({2, 2}), tensor({0, 5}, i64), {.classes = 5});
      },
      file + ": the label of sample 1 is 5 (want 0 to 4)");
  expect_error<IoError>(
      [&] {
        load(ones({2, 2}), zeros({2, 2}, i64));
      },
      file + ": labels are [2, 2] (want [N] for classes)");
  expect_error<IoError>([&] { load(ones({}), zeros({2}, i64)); },
                        file + ": features or labels are a single number (want arrays, samples first)");
  expect_error<IoError>([&] { load(ones({2}), zeros({2}, i64)); },
                        file + ": features are [2] (want [N, ...], samples first)");
  expect_error<IoError>([&] { load(ones({2}), zeros({2}, i64), {.features = "a"}); },
                        file + ": has no array 'a' (want one of x, y)");
}

}  // namespace
}  // namespace dagrad::data
