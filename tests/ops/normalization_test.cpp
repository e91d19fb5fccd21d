// What the op table does not ask of the normalizations: running estimates, formats, types that differ.
#include "dagrad/ops/normalization.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <utility>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using Values = std::vector<double>;

Tensor gradient(const Tensor& y, const Tensor& x) {
  return grad(std::vector{y}, std::vector{x}, std::vector{ones_like(y)})[0];
}

/// [3, 2, 2]: channel 0 holds 0, 1, 2, 6, 4, -1 (mean 2, squared distances from it 34), and channel 1 holds 7.
Tensor two_channels(DType dtype = f64) { return tensor({0, 1, 7, 7, 2, 6, 7, 7, 4, -1, 7, 7}, {3, 2, 2}, dtype); }

TEST(BatchNorm, MovesTheRunningEstimatesByTheUnbiasedVariance) {
  for (const DType dtype : {f64, f32, bf16}) {
    const Tensor mean = tensor({1, 2}, dtype), variance = tensor({3, 4}, dtype);
    batch_norm(two_channels(dtype), mean, variance, {}, {}, {.training = true, .momentum = 0.25});
    EXPECT_EQ(mean.to_vector<double>(), (Values{1.25, 3.25})) << name_of(dtype);
    EXPECT_NEAR(variance.to_vector<double>()[0], 0.75 * 3 + 0.25 * 34 / 5, dtype == bf16 ? 0x1p-7 : 1e-6);
    EXPECT_EQ(variance.to_vector<double>()[1], 3);
  }
}

TEST(BatchNorm, MovesTheRunningEstimatesAlikeInEveryFormat) {
  const Tensor x = randn({40, 3, 5, 7});
  Tensor mean[2], variance[2];
  for (int last = 0; last < 2; ++last) {
    mean[last] = zeros({3});
    variance[last] = ones({3});
    batch_norm(last == 1 ? channels_last(x) : x, mean[last], variance[last], {}, {}, {.training = true});
  }
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(mean[0].to_vector<double>()[c], mean[1].to_vector<double>()[c], 1e-7);
    EXPECT_NEAR(variance[0].to_vector<double>()[c], variance[1].to_vector<double>()[c], 1e-6);
  }
}

TEST(BatchNorm, LeavesTheRunningEstimatesAloneAtInference) {
  const Tensor mean = tensor({1, 2}), variance = tensor({3, 4});
  batch_norm(two_channels(f32), mean, variance);
  EXPECT_EQ(mean.to_vector<double>(), (Values{1, 2}));
  EXPECT_EQ(variance.to_vector<double>(), (Values{3, 4}));
}

TEST(BatchNorm, KeepsRunningEstimatesOfF32UnderBf16) {
  const Tensor mean = zeros({2}), variance = ones({2}), weight = full({2}, 2);
  Tensor x = two_channels(bf16).requires_grad_();
  const Tensor y = batch_norm(x, mean, variance, weight, zeros({2}), {.training = true, .momentum = 1});
  EXPECT_EQ(y.dtype(), bf16);
  EXPECT_EQ(mean.to_vector<double>(), (Values{2, 7}));
  sum(y).backward();
  EXPECT_EQ(x.grad().dtype(), bf16);
}

TEST(BatchNorm, GivesGradientsThatTheRunningEstimatesDoNotTouch) {
  const Tensor mean = zeros({2}, f64), variance = ones({2}, f64);
  Tensor x = two_channels().requires_grad_();
  const Tensor y = batch_norm(x, mean, variance, {}, {}, {.eps = 0});
  batch_norm(x, mean, variance, {}, {}, {.training = true});  // between forward and backward
  sum(y).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), Values(12, 1.0));
}

TEST(BatchNorm, KeepsChannelsLast) {
  Tensor x = channels_last(randn({2, 3, 4, 5})).requires_grad_();
  for (const bool training : {false, true}) {
    const Tensor y = batch_norm(x, zeros({3}), ones({3}), {}, {}, {.training = training});
    EXPECT_EQ(y.format(), Format::channels_last);
    EXPECT_EQ(gradient(y, x).format(), Format::channels_last);
  }
}

TEST(BatchNorm, AppliesAnyActivation) {
  const Tensor x = randn({5, 3}, f64), plain = batch_norm(x, {}, {}, {}, {}, {.training = true});
  const auto with = [&](Activation f) {
    return batch_norm(x, {}, {}, {}, {}, {.training = true, .activation = f}).to_vector<double>();
  };
  EXPECT_EQ(with(Activation::relu), relu(plain).to_vector<double>());
  EXPECT_EQ(with(Activation::tanh), tanh(plain).to_vector<double>());
  EXPECT_EQ(with(Activation::sigmoid), sigmoid(plain).to_vector<double>());
  EXPECT_EQ(with(Activation::gelu), gelu(plain).to_vector<double>());
}

TEST(BatchNorm, GivesNoGradientToWhatAFusedReluCutOffEvenAtMinusInfinity) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const Shape& shape : {Shape{2, 2}, Shape{1, 2, 2}}) {
    Tensor x = tensor({-inf, 1, 2, -3}, shape).requires_grad_();
    sum(batch_norm(x, zeros({2}), ones({2}), {}, {}, {.eps = 0, .activation = Activation::relu})).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (Values{0, 1, 1, 0}));
  }
}

TEST(BatchNorm, IsPreciseFarFromZero) {
  // In one pass, sum(x^2) - sum(x)^2 / n would lose every digit.
  const Tensor offsets = randn({1000, 3}, f64);
  const Tensor x = add(to(offsets, f32), 4096), y = batch_norm(x, {}, {}, {}, {}, {.training = true});
  const Tensor want = batch_norm(to(x, f64), {}, {}, {}, {}, {.training = true});
  const std::vector<double> got = y.to_vector<double>(), exact = want.to_vector<double>();
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], exact[i], 2e-3);
}

TEST(InstanceNorm, MovesTheRunningEstimatesByTheMeanOverSamples) {
  const Tensor x = tensor({0, 2, 5, 5, 2, 6, 7, 9}, {2, 2, 2}, f64);
  const Tensor mean = zeros({2}, f64), variance = ones({2}, f64);
  instance_norm(x, mean, variance, {}, {}, {.momentum = 0.5});
  EXPECT_EQ(mean.to_vector<double>(), (Values{0.5 * 2.5, 0.5 * 6.5}));
  EXPECT_EQ(variance.to_vector<double>(), (Values{0.5 + 0.5 * 5, 0.5 + 0.5 * 1}));
}

TEST(InstanceNorm, UsesTheRunningEstimatesWhenAsked) {
  const Tensor x = randn({2, 2, 3}, f64), mean = tensor({1, 2}, f64), variance = tensor({3, 4}, f64);
  EXPECT_EQ(instance_norm(x, mean, variance, {}, {}, {.use_input_stats = false}).to_vector<double>(),
            batch_norm(x, mean, variance).to_vector<double>());
}

TEST(GroupNorm, KeepsChannelsLast) {
  Tensor x = channels_last(randn({2, 4, 3, 5})).requires_grad_();
  const Tensor y = group_norm(x, 2);
  EXPECT_EQ(y.format(), Format::channels_last);
  EXPECT_EQ(gradient(y, x).format(), Format::channels_last);
}

TEST(LayerNorm, WritesLargeResultsPastTheCachesAsItWritesSmallOnes) {
  constexpr std::int64_t kParts = 2;
  // Whole vectors, and rows that do not begin on a cache line; both parts are whole blocks, which are summed alike.
  for (const auto& [length, rows_of_part] : {std::pair{1024, 1040}, std::pair{1010, 9 * 129}}) {
    ASSERT_LT(rows_of_part * length, pointwise::kStreamedFrom);
    ASSERT_GE(kParts * rows_of_part * length, pointwise::kStreamedFrom);
    const Tensor x = randn({kParts * rows_of_part, length}).requires_grad_(), weight = rand({length}),
                 bias = rand({length});
    const auto norm = [&, size = length](const Tensor& t) { return layer_norm(t, {size}, weight, bias); };
    const auto gradient_of = [&](const Tensor& t) { return gradient(square(norm(t)), t); };
    const Tensor whole = norm(x), whole_gradient = gradient_of(x);
    for (std::int64_t part = 0; part < kParts; ++part) {
      const auto of = [&, size = rows_of_part](const Tensor& t) { return narrow(t.detach(), 0, part * size, size); };
      const Tensor rows = of(x).requires_grad_();
      EXPECT_TRUE(all(eq(of(whole), norm(rows))).item<bool>()) << length << ", part " << part;
      EXPECT_TRUE(all(eq(of(whole_gradient), gradient_of(rows))).item<bool>()) << length << ", part " << part;
    }
  }
}

TEST(RmsNorm, AddsTheSmallestStepOfItsTypeByDefault) {
  const Tensor x = full({1, 2}, 1e-4, f32), wide = to(x, f64);
  const double square = 1e-8;
  EXPECT_NEAR(rms_norm(x, {2}).to_vector<double>()[0], 1e-4 / std::sqrt(square + 0x1p-23), 1e-6);
  EXPECT_NEAR(rms_norm(wide, {2}).to_vector<double>()[0], 1e-4 / std::sqrt(square + 0x1p-52), 1e-7);
}

}  // namespace
}  // namespace dagrad
