#include "dagrad/nn/data/idx.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <zlib.h>

#include "dagrad/core/allocator.h"
#include "dagrad/core/error.h"
#include "expect_error.h"
#include "mnist_folder.h"
#include "scratch_folder.h"

namespace dagrad::data {
namespace {

namespace fs = std::filesystem;

class Idx : public ScratchFolder {
 protected:
  fs::path write(const std::string& name, const std::string& bytes, bool zipped = false) const {
    if (!zipped) return ScratchFolder::write(name, bytes);
    const fs::path file = folder_ / name;
    gzFile stream = gzopen(file.c_str(), "wb");
    gzwrite(stream, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(stream);
    return file;
  }
};

std::string header(const std::vector<std::uint32_t>& sizes, char type = 8) {
  std::string bytes{'\0', '\0', type, static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes;
}

TEST_F(Idx, ReadsPlainAndGzippedFiles) {
  const std::string bytes = header({2, 3}) + std::string("\1\2\3\4\5\xff", 6);
  for (const bool zipped : {false, true}) {
    const Tensor t = read_idx(write("a", bytes, zipped));
    EXPECT_EQ(t.shape(), (Shape{2, 3}));
    EXPECT_EQ(t.dtype(), u8);
    EXPECT_EQ(t.to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 255}));
  }
  EXPECT_EQ(read_idx(write("empty", header({0, 28, 28}))).numel(), 0);
}

TEST_F(Idx, NamesTheFileAndWhatIsWrongWithIt) {
  const auto message = [&](const std::string& what) { return (folder_ / "a").string() + ": " + what; };
  expect_error<IoError>([&] { read_idx(folder_ / "a"); }, message("cannot be opened: No such file or directory"));
  expect_error<IoError>([&] { read_idx(write("a", "")); },
                        message("ends within the 4 bytes of its header (want an IDX file)"));
  expect_error<IoError>([&] { read_idx(write("a", "PK\3\4abcdef")); },
                        message("starts with bytes 50 4b (want 00 00, as an IDX file does)"));
  expect_error<IoError>([&] { read_idx(write("a", header({1}, 0x0d) + "abcd")); },
                        message("element type 0x0d (want 0x08, unsigned bytes)"));
  expect_error<IoError>([&] { read_idx(write("a", header({}))); }, message("0 dimensions (want 1 to 8)"));
  expect_error<IoError>(
      [&] {
        read_idx(write("a", header({2, 3}).substr(0, 9)));
      },
      message("ends within the sizes of its 2 dimensions"));
  expect_error<IoError>(
      [&] {
        read_idx(write("a", header({2, 3}) + "abc"));
      },
      message("truncated: 3 of the 6 bytes that its header promises for [2, 3]"));
  expect_error<IoError>([&] { read_idx(write("a", header({2}) + "abc")); },
                        message("has bytes behind the 2 that its header promises for [2]"));
  const std::uint32_t most = 0xffffffff;
  expect_error<IoError>(
      [&] {
        read_idx(write("a", header({most, most, most})));
      },
      message("the header promises [4294967295, 4294967295, 4294967295] elements, more than can be"));
  expect_error<IoError>([&] { read_idx(folder_); }, folder_.string() + ": is a folder (want an IDX file)");
}

TEST_F(Idx, TakesNoMemoryOnTheWordOfAHeader) {
  // 4 billion images in a file of 16 bytes.
  const fs::path file = write("a", header({0xffffffff, 28, 28}));
  const std::size_t before = allocator_statistics().system_allocations;
  EXPECT_THROW(read_idx(file), IoError);
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

TEST_F(Idx, NoticesDamagedGzipData) {
  const fs::path file = write("a", header({100000}) + std::string(100000, 'x'), true);
  std::ifstream in(file, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  write("short", bytes.substr(0, bytes.size() / 2));
  expect_error_with<IoError>([&] { read_idx(folder_ / "short"); }, "short: the gzip data are damaged or cut short");
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] ^ 0x55);  // the checksum
  write("flipped", bytes);
  expect_error_with<IoError>([&] { read_idx(folder_ / "flipped"); }, "flipped: the gzip data are damaged or cut short");
}

TEST_F(Idx, ChecksThatImagesAndLabelsFit) {
  expect_error_with<IoError>([&] { load_mnist(folder_); }, "t10k-images-idx3-ubyte: not found, nor with .gz");
  write("t10k-images-idx3-ubyte", header({2, 28, 28}) + std::string(2 * 784, '\1'));
  write("t10k-labels-idx1-ubyte", header({3}) + std::string("\1\2\3"));
  expect_error_with<IoError>(
      [&] { load_mnist(folder_); },
      "t10k-labels-idx1-ubyte: 3 labels for the 2 images of t10k-images-idx3-ubyte (want as many)");
  write("t10k-labels-idx1-ubyte", header({2}) + std::string("\1\x0a"));
  expect_error_with<IoError>([&] { load_mnist(folder_); }, "t10k-labels-idx1-ubyte: label 10 at index 1 (want 0 to 9)");
  write("t10k-labels-idx1-ubyte", header({2}) + std::string("\1\2"));
  expect_error_with<IoError>([&] { load_mnist(folder_); }, "2 images (want more than 1000 to train and test on)");
  write("train-images-idx3-ubyte", header({1, 28, 28}) + std::string(784, '\xff'));
  expect_error_with<IoError>([&] { load_mnist(folder_); }, "train-labels-idx1-ubyte: not found");
  write("train-labels-idx1-ubyte", header({1}) + std::string("\7"), true);
  const Split split = load_mnist(folder_);
  EXPECT_EQ(split.train.features.shape(), (Shape{1, 1, 28, 28}));
  EXPECT_EQ(split.train.features.to_vector<float>()[0], 1.0f);
  EXPECT_EQ(split.train.labels.item<std::int64_t>(), 7);
  write("t10k-images-idx3-ubyte", header({2, 28, 27}) + std::string(2 * 28 * 27, '\1'));
  expect_error_with<IoError>([&] { load_mnist(folder_); }, "holds [2, 28, 27] (want images of [N, 28, 28])");
}

TEST(Mnist, SplitsTheTestFilesAlone) {
  const fs::path folder = mnist_folder();
  if (!fs::exists(folder)) GTEST_SKIP() << "no MNIST files in " << folder << " (set DAGRAD_SHARED)";
  const Split split = load_mnist(folder);
  EXPECT_EQ(split.train.size(), 9000);
  EXPECT_EQ(split.test.size(), 1000);
  EXPECT_EQ(split.train.labels.to_vector<int>()[0], 7);
}

}  // namespace
}  // namespace dagrad::data
