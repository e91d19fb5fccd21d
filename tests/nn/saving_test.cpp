#include "dagrad/nn/saving.h"

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/io/npy.h"
#include "dagrad/nn/nn.h"
#include "expect_error.h"
#include "scratch_folder.h"

namespace dagrad::nn {
namespace {

using Saving = ScratchFolder;

struct Net : Module {
  Linear first{4, 3}, second{3, 2};
  Tensor mean = ones({4}), steps = zeros({}, i64);

  void parts(Parts& p) override {
    p.module("first", first);
    p.module("second", second);
    p.buffer("mean", mean);
    p.buffer("steps", steps);
  }
  std::string describe() const override { return "Net"; }
};

struct Tied : Module {
  Linear a{3, 3, false}, b{3, 3, false};
  Tied() { b.weight = a.weight; }
  void parts(Parts& p) override {
    p.module("a", a);
    p.module("b", b);
  }
};

void expect_equal(const Module& a, const Module& b) {
  const auto left = state(a), right = state(b);
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].first, right[i].first);
    EXPECT_EQ(left[i].second.to_vector<double>(), right[i].second.to_vector<double>()) << left[i].first;
  }
}

TEST_F(Saving, RestoresParametersAndBuffers) {
  for (const char* name : {"net.safetensors", "net.npz"}) {
    Net net, other;
    net.steps.fill_(7);
    net.mean.fill_(0.5);
    save(net, folder_ / name);
    const LoadReport report = load(other, folder_ / name);
    EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
    expect_equal(net, other);
    EXPECT_TRUE(other.first.weight.requires_grad());
    EXPECT_TRUE(other.first.weight.is_leaf());
  }
}

TEST_F(Saving, ListsAllThatDoesNotFitAndChangesNothing) {
  Net net;
  const Net before = deep_copy(net);
  io::NamedTensors tensors = state(deep_copy(net));
  tensors[0].second = zeros({3, 5});
  tensors[1].second = zeros({3}, f64);
  tensors[2].first = "third.weight";
  tensors[3].second = zeros({2});
  expect_error<UsageError>([&] { load_state(net, tensors); },
                           "load_state: the tensors do not fit Net:\n"
                           "  'second.weight' is missing\n"
                           "  'third.weight' has no place in the module\n"
                           "  'first.weight' has shape [3, 5] (want [3, 4])\n"
                           "  'first.bias' has element type f64 (want f32)");
  expect_equal(net, before);
  io::save_safetensors(tensors, folder_ / "a.safetensors");
  expect_error_with<UsageError>([&] { load(net, folder_ / "a.safetensors"); },
                                (folder_ / "a.safetensors").string() + ": load_state: the tensors do not fit Net:\n");
}

TEST_F(Saving, LeavesOutWhatIsMissingWhenNotStrict) {
  Net net;
  const auto weight = net.second.weight.to_vector<float>();
  const LoadReport report = load_state(net, {{"first.bias", full({3}, 2)}, {"other", ones({1})}}, {.strict = false});
  EXPECT_EQ(report.missing,
            (std::vector<std::string>{"first.weight", "second.weight", "second.bias", "mean", "steps"}));
  EXPECT_EQ(report.unexpected, std::vector<std::string>{"other"});
  EXPECT_EQ(net.first.bias.to_vector<float>(), std::vector<float>(3, 2));
  EXPECT_EQ(net.second.weight.to_vector<float>(), weight);
  // A shape that differs is an error all the same.
  expect_error_with<UsageError>(
      [&] {
        load_state(net, {{"mean", ones({5})}}, {.strict = false});
      },
      "'mean' has shape [5] (want [4])");
}

TEST_F(Saving, ConvertsElementTypesWhenAllowed) {
  Net net, wide;
  wide.to(f64);
  load_state(wide, state(net), {.convert = true});
  EXPECT_EQ(wide.first.weight.dtype(), f64);
  expect_equal(net, wide);
  // An integer stays an integer.
  expect_error_with<UsageError>(
      [&] {
        load_state(net, {{"steps", ones({})}}, {.strict = false, .convert = true});
      },
      "'steps' has element type f32 (want i64)");
}

TEST_F(Saving, SavesASharedTensorOnceAndTakesItUnderAnyName) {
  Tied tied;
  EXPECT_EQ(state(tied).size(), 1u);
  const Tensor ones_ = ones({3, 3}), twos = full({3, 3}, 2);
  load_state(tied, {{"b.weight", twos}});
  EXPECT_EQ(tied.a.weight.to_vector<float>(), std::vector<float>(9, 2));
  load_state(tied, {{"a.weight", ones_}, {"b.weight", ones_}});
  expect_error_with<UsageError>(
      [&] {
        load_state(tied, {{"a.weight", ones_}, {"b.weight", twos}});
      },
      "'b.weight' differs from 'a.weight', which is the same tensor here");
  EXPECT_EQ(tied.a.weight.to_vector<float>(), std::vector<float>(9, 1));
}

TEST_F(Saving, TellsTheFormatByTheName) {
  Net net;
  const auto file = folder_ / "net.bin";
  expect_error<UsageError>([&] { save(net, file); },
                           file.string() + ": the format is not known by the name (want .safetensors or .npz)");
  expect_error_with<UsageError>([&] { load(net, file); }, "(want .safetensors, .npz or .npy)");
  expect_error_with<UsageError>([&] { save(net, folder_ / "net.npz", {{"a", "b"}}); }, ".npz has no metadata");
  io::save_npy(ones({2}), folder_ / "x.npy");
  EXPECT_EQ(load_tensors(folder_ / "x.npy")[0].first, "x");
}

}  // namespace
}  // namespace dagrad::nn
