#include "dagrad/nn/convolution.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

TEST(ConvolutionLayer, HasPyTorchsNamesAndShapes) {
  const Conv2d conv({.in = 4, .out = 6, .kernel = {3, 5}, .groups = 2});
  ASSERT_EQ(conv.named_parameters().size(), 2u);
  EXPECT_EQ(conv.named_parameters()[0].first, "weight");
  EXPECT_EQ(conv.weight.shape(), (Shape{6, 2, 3, 5}));
  EXPECT_EQ(conv.bias.shape(), Shape{6});
  const ConvTranspose1d transpose({.in = 4, .out = 6, .kernel = 3, .groups = 2, .bias = false});
  EXPECT_EQ(transpose.weight.shape(), (Shape{4, 3, 3}));
  EXPECT_FALSE(transpose.bias.defined());
}

TEST(ConvolutionLayer, StartsWithinOneOverTheRootOfWhatASumHas) {
  manual_seed(0);
  const Conv2d conv(16, 64, 3);
  const double bound = 1 / std::sqrt(16.0 * 9);
  const Tensor size = abs(conv.weight.detach());
  EXPECT_LE(max(size).item<double>(), bound);
  EXPECT_GE(max(size).item<double>(), 0.98 * bound);
  EXPECT_NEAR(mean(size).item<double>(), bound / 2, 0.02 * bound);
}

TEST(ConvolutionLayer, DescribesItself) {
  EXPECT_EQ(Conv2d(3, 16, 3).describe(), "Conv2d(3, 16, kernel=3x3)");
  EXPECT_EQ(Conv2d({.in = 4, .out = 8, .kernel = {1, 3}, .stride = 2, .padding = {0, 1}, .groups = 4, .bias = false})
                .describe(),
            "Conv2d(4, 8, kernel=1x3, stride=2, padding=0x1, groups=4, bias=false)");
  EXPECT_EQ(Conv1d({.in = 2, .out = 2, .kernel = 5, .padding = Padding::same, .dilation = 2}).describe(),
            "Conv1d(2, 2, kernel=5, padding=same, dilation=2)");
  EXPECT_EQ(ConvTranspose2d({.in = 2, .out = 3, .kernel = 4, .stride = 2, .padding = 1}).describe(),
            "ConvTranspose2d(2, 3, kernel=4x4, stride=2, padding=1)");
  EXPECT_EQ(MaxPool2d({.kernel = 3, .stride = 2, .padding = 1}).describe(), "MaxPool2d(kernel=3, stride=2, padding=1)");
  EXPECT_EQ(AvgPool1d({.kernel = 2, .ceil_mode = true, .count_include_pad = false}).describe(),
            "AvgPool1d(kernel=2, ceil_mode=true, count_include_pad=false)");
  EXPECT_EQ(AdaptiveAvgPool2d({7, 5}).describe(), "AdaptiveAvgPool2d(7x5)");
}

TEST(ConvolutionLayer, TakesChannelsAndKernelByPositionAndTheRestByName) {
  EXPECT_EQ(Conv1d(2, 4, 3, {.padding = Padding::same}).describe(),
            Conv1d({.in = 2, .out = 4, .kernel = 3, .padding = Padding::same}).describe());
  const Conv2d layer(2, 4, {3, 1}, {.stride = 2, .padding = {1, 0}, .bias = false});
  EXPECT_EQ(layer.weight.shape(), (Shape{4, 2, 3, 1}));
  EXPECT_FALSE(layer.bias.defined());
  EXPECT_EQ(ConvTranspose2d(4, 2, 3, {.stride = 2, .output_padding = 1})(zeros({1, 4, 5, 5})).dim(), 4);
  expect_error<UsageError>([] { Conv2d(2, 4, 3, {.in = 2}); },
                           "Conv2d: in, out or kernel is given twice (want each by position or by name)");
  expect_error<UsageError>(
      [] {
        ConvTranspose1d(2, 4, 3, {.kernel = {3, 3}});
      },
      "ConvTranspose1d: in, out or kernel is given twice (want each by position or by name)");
}

TEST(PoolingLayer, TakesKernelStrideAndPaddingByPosition) {
  EXPECT_EQ(MaxPool2d(3, 2, 1).describe(), MaxPool2d({.kernel = 3, .stride = 2, .padding = 1}).describe());
  EXPECT_EQ(AvgPool1d(2, 1)(zeros({1, 1, 5})).shape(), (Shape{1, 1, 4}));
}

TEST(ConvolutionLayer, RefusesWhatDoesNotFit) {
  expect_error<UsageError>([] { Conv2d(0, 3, 3); }, "Conv2d: in is 0, out is 3 (want both at least 1)");
  expect_error<UsageError>([] { Conv2d({.in = 4, .out = 6, .kernel = 3, .groups = 4}); },
                           "Conv2d: groups is 4 for 4 and 6 channels (want a divisor of both)");
  expect_error<UsageError>([] { Conv1d(1, 1, {3, 3}); }, "Conv1d: kernel has 2 numbers (want 1)");
}

/// Through a small net of each number of axes, in f64, against differences: parameters and input.
template <class Conv, class Pool>
void check_net(const Shape& input, std::int64_t features) {
  manual_seed(7);
  Sequential net;
  net.add(Conv({.in = input[1], .out = 3, .kernel = 3, .padding = 1}));
  net.add(Tanh());
  net.add(Pool(2));
  net.add(Flatten());
  net.add(Linear(features, 2));
  net.to(f64);
  std::vector<Tensor> inputs = net.parameters();
  inputs.push_back(randn(input, f64).requires_grad_());
  const auto loss = [&](std::span<const Tensor> in) { return std::vector{square(net(in.back()))}; };
  EXPECT_TRUE(passes(gradcheck(loss, inputs)));
}

TEST(ConvolutionLayer, PassesGradientsThroughNets) {
  check_net<Conv1d, AvgPool1d>({2, 2, 6}, 9);
  check_net<Conv2d, MaxPool2d>({2, 1, 4, 4}, 12);
  check_net<Conv3d, AvgPool3d>({1, 1, 2, 2, 2}, 3);
}

TEST(ConvolutionLayer, StaysChannelsLastThroughANet) {
  Sequential net;
  net.add(Conv2d({.in = 3, .out = 8, .kernel = 3, .padding = Padding::same}));
  net.add(ReLU());
  net.add(MaxPool2d(2));
  const Tensor y = net(randn({2, 3, 8, 8}));
  EXPECT_EQ(y.shape(), (Shape{2, 8, 4, 4}));
  EXPECT_EQ(y.format(), Format::channels_last);
  EXPECT_EQ(GlobalAvgPool()(y).shape(), (Shape{2, 8}));
}

}  // namespace
}  // namespace dagrad::nn
