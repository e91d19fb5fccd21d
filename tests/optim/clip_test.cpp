// Clipping against norms worked out by plain loops.
#include "dagrad/optim/clip.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/view.h"
#include "dagrad/optim/sgd.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor with_gradient(const Tensor& gradient) {
  Tensor p = zeros(gradient.shape(), gradient.dtype()).requires_grad_();
  p.set_grad(gradient);
  return p;
}

std::vector<Tensor> random_parameters(DType dtype) {
  Generator generator(3);
  std::vector<Tensor> all;
  for (const Shape& shape : {Shape{3, 5}, Shape{}, Shape{0}, Shape{70, 999}})
    all.push_back(with_gradient(randn(shape, dtype, generator)));
  all.push_back(zeros({4}, dtype).requires_grad_());  // without a gradient
  return all;
}

double norm_by_loops(const std::vector<Tensor>& parameters, double p) {
  long double sum = 0;
  for (const Tensor& t : parameters) {
    if (!t.grad().defined()) continue;
    for (const double x : t.grad().to_vector<double>()) {
      if (std::isinf(p))
        sum = std::max<long double>(sum, std::abs(x));
      else
        sum += std::pow(static_cast<long double>(std::abs(x)), static_cast<long double>(p));
    }
  }
  return static_cast<double>(std::isinf(p) ? sum : std::pow(sum, 1 / static_cast<long double>(p)));
}

TEST(ClipGradNorm, ScalesAllGradientsByOneFactorAndReturnsTheNormBefore) {
  for (const DType dtype : {f64, f32, bf16}) {
    for (const double p : {2.0, 1.0, 3.0, 0.5, kInfinity}) {
      const auto all = random_parameters(dtype);
      const double norm = norm_by_loops(all, p);
      const std::vector<double> before = all[3].grad().to_vector<double>();
      EXPECT_NEAR(grad_norm(all, p), norm, 1e-13 * norm);
      EXPECT_NEAR(clip_grad_norm_(all, norm / 4, {.norm_type = p}), norm, 1e-13 * norm);
      const double tolerance = dtype == f64 ? 1e-14 : dtype == f32 ? 1e-7 : 1e-2;
      const std::vector<double> after = all[3].grad().to_vector<double>();
      for (std::size_t i = 0; i < before.size(); i += 97)
        EXPECT_NEAR(after[i], before[i] * (norm / 4) / (norm + 1e-6), tolerance * std::abs(before[i]));
    }
  }
}

TEST(ClipGradNorm, LeavesSmallAndZeroGradientsAlone) {
  const Tensor small = with_gradient(tensor({3, 4}));
  EXPECT_EQ(clip_grad_norm_({small}, 6), 5);
  EXPECT_EQ(small.grad().to_vector<float>(), (std::vector<float>{3, 4}));
  const Tensor zero = with_gradient(zeros({3}));
  EXPECT_EQ(clip_grad_norm_({zero}, 0), 0);
  EXPECT_EQ(zero.grad().to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(clip_grad_norm_({zeros({2}).requires_grad_()}, 1), 0);
  EXPECT_EQ(clip_grad_norm_({}, 1), 0);
}

TEST(ClipGradNorm, AddsUpInDoubleAndInTheSameOrderOnAnyNumberOfThreads) {
  // In f32 the sum of squares would be infinite.
  EXPECT_DOUBLE_EQ(grad_norm({with_gradient(full({4}, 1e30))}), 2e30 * (static_cast<double>(1e30F) / 1e30));
  const auto all = random_parameters(f32);
  const auto norm_on = [&](int threads) {
    const ThreadLimit limit(threads);
    return grad_norm(all);
  };
  EXPECT_EQ(norm_on(1), norm_on(2));
}

TEST(ClipGradNorm, NamesTheGradientThatIsNotFinite) {
  const Tensor good = with_gradient(ones({2}));
  for (const double bad : {kInfinity, std::nan("")}) {
    for (const double p : {2.0, 1.0, 3.0, kInfinity}) {
      const Tensor p1 = with_gradient(tensor({1, 2, 3, 4, bad, 6}, {2, 3})).set_name("fc.weight");
      EXPECT_FALSE(std::isfinite(grad_norm({good, p1}, p)));
      expect_error<GradientError>(
          [&] {
            clip_grad_norm_({good, p1}, 1, {.norm_type = p, .error_if_nonfinite = true});
          },
          std::string("clip_grad_norm_: the gradient of parameter 1 (fc.weight) of shape [2, 3] is ") +
              (std::isnan(bad) ? "nan" : "inf") + " at [1, 1] (want finite gradients)");
      EXPECT_EQ(good.grad().to_vector<float>(), (std::vector<float>{1, 1}));
    }
  }
}

TEST(ClipGradNorm, RefusesBadBounds) {
  expect_error<UsageError>([] { clip_grad_norm_({}, -1); }, "clip_grad_norm_: max_norm is -1 (want a number >= 0)");
  expect_error<UsageError>([] { clip_grad_norm_({}, 1, {.norm_type = 0}); },
                           "clip_grad_norm_: norm_type is 0 (want a number > 0)");
  expect_error<UsageError>([] { clip_grad_value_({}, -1); }, "clip_grad_value_: clip_value is -1 (want a number >= 0)");
  expect_error<UsageError>([] { clip_grad_value_({}, 2, 1); },
                           "clip_grad_value_: lower is 2 and upper is 1 (want lower <= upper)");
}

TEST(ClipEachGradNorm, LooksAtEachGradientByItself) {
  const Tensor small = with_gradient(tensor({0.3, 0.4}, f64)), large = with_gradient(tensor({30, 40}, f64)),
               none = zeros({1}).requires_grad_();
  EXPECT_EQ(clip_each_grad_norm_({small, large, none}, 5), (std::vector<double>{0.5, 50, 0}));
  EXPECT_EQ(small.grad().to_vector<double>(), (std::vector<double>{0.3, 0.4}));
  EXPECT_NEAR(large.grad().to_vector<double>()[0], 3, 1e-6);
  EXPECT_NEAR(large.grad().to_vector<double>()[1], 4, 1e-6);
}

TEST(ClipGradValue, BoundsEachElementAndKeepsNaN) {
  const Tensor p = with_gradient(tensor({-3, -1, 0, 2, std::nan(""), kInfinity}));
  clip_grad_value_({p}, 1.5);
  const auto g = p.grad().to_vector<float>();
  EXPECT_EQ((std::vector<float>{g[0], g[1], g[2], g[3], g[5]}), (std::vector<float>{-1.5, -1, 0, 1.5, 1.5}));
  EXPECT_TRUE(std::isnan(g[4]));
  const Tensor q = with_gradient(tensor({-3, -1, 0, 2}));
  clip_grad_value_({q}, -2, 0.5);
  EXPECT_EQ(q.grad().to_vector<float>(), (std::vector<float>{-2, -1, 0, 0.5}));
}

TEST(ClipGradValue, GivesAGradientThatRepeatsElementsMemoryOfItsOwn) {
  const Tensor p = zeros({2, 3}).requires_grad_();
  p.set_grad(tensor({4}).alias({2, 3}, {0, 0}, 0));
  clip_grad_norm_({p}, std::sqrt(6.0));
  for (const float g : p.grad().to_vector<float>()) EXPECT_NEAR(g, 1, 1e-6);
}

TEST(StepWithClippedNorm, DoesWhatClippingAndAStepDo) {
  const auto a = random_parameters(f64), b = random_parameters(f64);
  SGD first(a, {.lr = 1}), second(b, {.lr = 1});
  const double norm = step_with_clipped_norm(first, 2);
  EXPECT_EQ(clip_grad_norm_(b, 2), norm);
  second.step();
  EXPECT_EQ(a[3].to_vector<double>(), b[3].to_vector<double>());
  EXPECT_GT(grad_norm(a), 100);  // the gradients themselves stay
}

}  // namespace
}  // namespace dagrad::optim
