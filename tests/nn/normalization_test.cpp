#include "dagrad/nn/normalization.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/nn/sequential.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

using Values = std::vector<double>;

std::vector<std::string> names(const std::vector<Module::Named>& named) {
  std::vector<std::string> result;
  result.reserve(named.size());
  for (const auto& [name, tensor] : named) result.push_back(name);
  return result;
}

/// Mean and unbiased variance of the values of one channel of x [N, C, positions].
std::pair<double, double> statistics(const Tensor& x, std::int64_t channel) {
  const std::int64_t channels = x.size(1), positions = x.numel() / (x.size(0) * channels);
  Values of_channel;
  const Values all = x.to_vector<double>();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (static_cast<std::int64_t>(i) / positions % channels == channel) of_channel.push_back(all[i]);
  }
  double mean = 0, squares = 0;
  for (const double value : of_channel) mean += value / static_cast<double>(of_channel.size());
  for (const double value : of_channel) squares += (value - mean) * (value - mean);
  return {mean, squares / static_cast<double>(of_channel.size() - 1)};
}

TEST(BatchNormLayer, NamesItsTensorsAsPyTorchDoes) {
  const BatchNorm2d norm(3);
  EXPECT_EQ(names(norm.named_parameters()), (std::vector<std::string>{"weight", "bias"}));
  EXPECT_EQ(names(norm.named_buffers()),
            (std::vector<std::string>{"running_mean", "running_var", "num_batches_tracked"}));
  EXPECT_EQ(norm.num_batches_tracked.dtype(), i64);
  EXPECT_TRUE(names(BatchNorm1d(3, {.affine = false, .track_running_stats = false}).named_parameters()).empty());
  EXPECT_TRUE(names(BatchNorm1d(3, {.affine = false, .track_running_stats = false}).named_buffers()).empty());
}

TEST(BatchNormLayer, TracksBatchesWithMomentum) {
  manual_seed(1);
  BatchNorm2d norm(2, {.momentum = 0.3});
  norm.to(f64);
  double mean = 0, variance = 1;
  for (int batch = 0; batch < 4; ++batch) {
    const Tensor x = randn({3, 2, 2, 2}, f64) * 3 + 1;
    norm(x);
    const auto [of_batch, unbiased] = statistics(x, 1);
    mean = 0.7 * mean + 0.3 * of_batch;
    variance = 0.7 * variance + 0.3 * unbiased;
  }
  EXPECT_NEAR(norm.running_mean.to_vector<double>()[1], mean, 1e-14);
  EXPECT_NEAR(norm.running_var.to_vector<double>()[1], variance, 1e-13);
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 4);
}

TEST(BatchNormLayer, AveragesAllBatchesWithoutMomentum) {
  manual_seed(2);
  BatchNorm1d norm(2, {.momentum = {}});
  norm.to(f64);
  double mean = 0, variance = 0;
  for (int batch = 0; batch < 5; ++batch) {
    const Tensor x = randn({4, 2}, f64) + 2;
    norm(x);
    const auto [of_batch, unbiased] = statistics(x, 0);
    mean += of_batch / 5;
    variance += unbiased / 5;
  }
  EXPECT_NEAR(norm.running_mean.to_vector<double>()[0], mean, 1e-14);
  EXPECT_NEAR(norm.running_var.to_vector<double>()[0], variance, 1e-14);
}

TEST(BatchNormLayer, NormalisesByTheBatchInTrainingAndByTheEstimatesInEvaluation) {
  manual_seed(3);
  BatchNorm1d norm(1, {.eps = 0});
  norm.to(f64);
  const Tensor x = tensor({1, 3}, {2, 1}, f64);
  EXPECT_EQ(norm(x).to_vector<double>(), (Values{-1, 1}));  // by the biased variance, 1
  norm.running_mean.fill_(1);
  norm.running_var.fill_(4);
  norm.eval();
  EXPECT_EQ(norm(x).to_vector<double>(), (Values{0, 1}));
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 1);
}

TEST(BatchNormLayer, WithoutEstimatesNormalisesByTheBatchInEvaluationToo) {
  BatchNorm1d norm(1, {.eps = 0, .track_running_stats = false});
  norm.eval();
  EXPECT_EQ(norm(tensor({1, 3}, {2, 1})).to_vector<double>(), (Values{-1, 1}));
}

TEST(BatchNormLayer, AppliesItsActivation) {
  BatchNorm1d norm(1, {.eps = 0, .activation = Activation::relu});
  EXPECT_EQ(norm(tensor({1, 3}, {2, 1})).to_vector<double>(), (Values{0, 1}));
}

TEST(BatchNormLayer, SaysWhatToDoAboutABatchOfOneAndChangesNothing) {
  BatchNorm1d norm(3);
  expect_error<ShapeError>(
      [&] {
        norm(ones({1, 3}));
      },
      "batch_norm: training takes the variance of each channel's values: src is [1, 3], 1 per "
      "channel (want at least 2: a larger batch, or training = false, which eval() sets), in BatchNorm1d(3)");
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 0);
  EXPECT_EQ(norm.running_var.to_vector<double>(), (Values{1, 1, 1}));
  norm.eval();
  EXPECT_EQ(norm(ones({1, 3})).shape(), (Shape{1, 3}));
}

TEST(NormalizationLayers, RefuseOtherShapes) {
  expect_error<ShapeError>(
      [] {
        BatchNorm1d(3)(ones({2, 4}));
      },
      "BatchNorm1d: x is [2, 4] (want 2 or 3 dimensions and size(1) == 3)");
  expect_error<ShapeError>(
      [] {
        BatchNorm2d(3)(ones({2, 3}));
      },
      "BatchNorm2d: x is [2, 3] (want 4 dimensions and size(1) == 3)");
  expect_error<ShapeError>(
      [] {
        InstanceNorm1d(3)(ones({2, 4, 5}));
      },
      "InstanceNorm1d: x is [2, 4, 5] (want 3 dimensions and 3 channels; or 2, for one sample)");
  expect_error<ShapeError>(
      [] {
        GroupNorm(2, 4)(ones({2, 6}));
      },
      "GroupNorm: x is [2, 6] (want at least 2 dimensions and size(1) == 4)");
  expect_error<UsageError>([] { GroupNorm(3, 4); },
                           "GroupNorm: 3 groups of 4 channels (want a number that divides them)");
  expect_error<UsageError>([] { BatchNorm3d(0); }, "BatchNorm3d: features is 0 (want at least 1)");
}

TEST(NormalizationLayers, TakeTheSizeOfTheLastAxisAsANumber) {
  EXPECT_EQ(LayerNorm(4).normalized_shape, (Shape{4}));
  EXPECT_EQ(RMSNorm(4, {.eps = 1e-6}).weight.shape(), (Shape{4}));
  EXPECT_EQ(LayerNorm({4, 5}).normalized_shape, (Shape{4, 5}));
  expect_error<UsageError>([] { LayerNorm(0); },
                           "LayerNorm: normalized_shape is [0] (want at least one axis, none of them empty)");
}

TEST(NormalizationLayers, DescribeThemselves) {
  EXPECT_EQ(BatchNorm2d(8).describe(), "BatchNorm2d(8)");
  EXPECT_EQ(BatchNorm1d(8, {.eps = 0.001, .momentum = {}, .affine = false, .activation = Activation::relu}).describe(),
            "BatchNorm1d(8, eps=0.001, momentum=none, affine=false, activation=relu)");
  EXPECT_EQ(InstanceNorm3d(4, {.affine = true}).describe(), "InstanceNorm3d(4, affine=true)");
  EXPECT_EQ(LayerNorm({3, 4}, {.bias = false}).describe(), "LayerNorm([3, 4], bias=false)");
  EXPECT_EQ(RMSNorm({16}).describe(), "RMSNorm([16])");
  EXPECT_EQ(GroupNorm(2, 8).describe(), "GroupNorm(2, 8)");
  EXPECT_EQ(WeightStandardized<Linear>(4, 3).describe(), "WeightStandardizedLinear(4, 3)");
}

TEST(InstanceNormLayer, TakesOneSampleWithoutAnAxisForIt) {
  InstanceNorm1d norm(2, {.track_running_stats = true});
  const Tensor x = tensor({0, 2, 5, 9}, {2, 2});
  EXPECT_EQ(norm(x).shape(), (Shape{2, 2}));
  EXPECT_FLOAT_EQ(norm.running_mean.to_vector<float>()[1], 0.7F);
  EXPECT_FLOAT_EQ(norm.running_var.to_vector<float>()[1], 0.9F + 0.1F * 8);
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 1);
  norm.eval();
  norm(x);
  EXPECT_EQ(norm.num_batches_tracked.item<std::int64_t>(), 1);
}

/// Gradients of parameters and input through a small model, in both modes.
void check_gradients(Sequential net, const Shape& input) {
  manual_seed(11);
  net.to(f64);
  net(randn(input, f64));  // so that running estimates are not those of the start
  std::vector<Tensor> inputs = net.parameters();
  inputs.push_back(randn(input, f64).requires_grad_());
  const auto loss = [&](std::span<const Tensor> in) { return std::vector{square(net(in.back()))}; };
  for (const bool training : {true, false}) {
    SCOPED_TRACE(training ? "training" : "evaluation");
    net.train(training);
    GradcheckOptions options;
    options.allow_zero_jacobian = training;  // a bias before batch norm has no effect
    EXPECT_TRUE(passes(gradcheck(loss, inputs, options)));
  }
}

TEST(NormalizationLayers, PassGradientsThroughNets) {
  manual_seed(5);
  check_gradients(Sequential(Linear(3, 4), BatchNorm1d(4), Tanh(), Linear(4, 2)), {5, 3});
  check_gradients(Sequential(Linear(3, 4, false), BatchNorm1d(4, {.activation = Activation::tanh}), Linear(4, 2)),
                  {5, 3});
  check_gradients(Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), Tanh(), Flatten(), Linear(8, 2)), {2, 1, 4, 4});
  check_gradients(Sequential(Conv3d(1, 2, 2), BatchNorm3d(2), Tanh()), {2, 1, 2, 2, 3});
  check_gradients(Sequential(Linear(3, 4), LayerNorm({4}), Tanh(), Linear(4, 2)), {3, 3});
  check_gradients(Sequential(Linear(3, 4), RMSNorm({4}), Tanh(), Linear(4, 2)), {3, 3});
  check_gradients(Sequential(Linear(3, 4), GroupNorm(2, 4), Tanh(), Linear(4, 2)), {3, 3});
  check_gradients(Sequential(Conv1d(1, 2, 2), InstanceNorm1d(2, {.affine = true, .track_running_stats = true}), Tanh()),
                  {2, 1, 5});
  check_gradients(Sequential(WeightStandardized<Linear>(3, 4), Tanh(), Linear(4, 2)), {3, 3});
}

TEST(WeightStandardized, GivesEachOutputWeightsOfMean0AndVariance1) {
  manual_seed(6);
  WeightStandardized<Conv2d> layer(2, 3, 2);
  const Tensor x = randn({1, 2, 4, 4});
  Conv2d plain(2, 3, 2);
  plain.weight = standardize_weight(layer.weight);
  plain.bias = layer.bias;
  EXPECT_EQ(layer(x).to_vector<float>(), plain(x).to_vector<float>());
  double sum = 0, squares = 0;
  const Values w = plain.weight.to_vector<double>();
  for (std::size_t i = 0; i < 8; ++i) {
    sum += w[i];
    squares += w[i] * w[i];
  }
  EXPECT_NEAR(sum, 0, 1e-6);
  EXPECT_NEAR(squares / 8, 1, 1e-3);
  EXPECT_EQ(names(layer.named_parameters()), (std::vector<std::string>{"weight", "bias"}));
}

/// A norm that has seen data and been trained.
template <class Norm>
Norm used_norm(const Shape& input, const BatchNormLayerOptions& options = {}) {
  Norm norm(input[1], options);
  for (int batch = 0; batch < 3; ++batch) norm(randn(input) * 2 + 1);
  if (norm.weight.defined()) {
    norm.weight = parameter(randn({input[1]}));
    norm.bias = parameter(randn({input[1]}));
  }
  norm.eval();
  return norm;
}

void expect_near(const Tensor& got, const Tensor& want) {
  ASSERT_EQ(got.shape(), want.shape());
  const Values a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5) << i;
}

TEST(FoldBatchNorm, GivesWhatBothLayersGiveInEvaluation) {
  manual_seed(8);
  for (const bool affine : {true, false}) {
    for (const bool bias : {true, false}) {
      Linear layer(4, 3, bias);
      BatchNorm1d norm = used_norm<BatchNorm1d>({6, 3}, {.affine = affine});
      const Tensor x = randn({5, 4});
      expect_near(fold_batch_norm(layer, norm)(x), norm(layer(x)));
    }
  }
  Conv2d conv(2, 3, 3);
  BatchNorm2d norm = used_norm<BatchNorm2d>({4, 3, 2, 2});
  const Tensor x = randn({2, 2, 5, 5});
  Conv2d folded = fold_batch_norm(conv, norm);
  expect_near(folded(x), norm(conv(x)));
  EXPECT_TRUE(folded.weight.requires_grad());
  EXPECT_FALSE(folded.weight.is_same(conv.weight));
}

TEST(FoldBatchNorm, RefusesWhatCannotBeFolded) {
  const Linear layer(4, 3);
  expect_error<UsageError>([&] { fold_batch_norm(layer, BatchNorm1d(3, {.track_running_stats = false})); },
                           "fold_batch_norm: norm has no running estimates (want track_running_stats)");
  expect_error<UsageError>([&] { fold_batch_norm(layer, BatchNorm1d(3, {.activation = Activation::relu})); },
                           "fold_batch_norm: norm applies an activation (want it in a module of its own)");
  expect_error<ShapeError>([&] { fold_batch_norm(layer, BatchNorm1d(4)); },
                           "fold_batch_norm: layer has 3 outputs, norm has 4 features (want equal numbers)");
}

}  // namespace
}  // namespace dagrad::nn
