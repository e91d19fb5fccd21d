// Learning without gradients: what it estimates, and what that costs.
#include "dagrad/optim/weight_perturbation.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

TEST(WeightPerturbation, EstimatesOneWeightAtATime) {
  const Tensor p = tensor({1, -2, 3}, f64).requires_grad_(), c = tensor({1, 2, 4}, f64);
  WeightPerturbation optimizer({p}, {.lr = 0.1, .perturb = Perturb::each, .size = 1e-3});
  const Tensor loss = optimizer.step([&] {
    EXPECT_FALSE(grad_enabled());
    return sum(c * p * p);
  });
  EXPECT_DOUBLE_EQ(loss.item<double>(), 45);
  EXPECT_EQ(optimizer.evaluations(), 4);
  // (c (p + h)^2 - c p^2) / h = c (2 p + h).
  const std::vector<double> now = p.to_vector<double>(), before{1, -2, 3}, curvature{1, 2, 4};
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(now[i], before[i] - 0.1 * curvature[i] * (2 * before[i] + 1e-3), 1e-9);
}

TEST(WeightPerturbation, EstimatesAllWeightsAtOnceWithoutBias) {
  const Tensor p = tensor({1, -2, 3}, f64).requires_grad_(), c = tensor({1, 2, 4}, f64);
  WeightPerturbation optimizer({p}, {.lr = 1, .samples = 20'000, .seed = 3});
  optimizer.step([&] { return sum(c * p * p); });
  EXPECT_EQ(optimizer.evaluations(), 40'000);
  // The gradient is (2, -8, 24); one estimate's standard deviation is the norm of the other components.
  const std::vector<double> now = p.to_vector<double>();
  EXPECT_NEAR(1 - now[0], 2, 5 * 25.3 / std::sqrt(20'000));
  EXPECT_NEAR(-2 - now[1], -8, 5 * 24.1 / std::sqrt(20'000));
  EXPECT_NEAR(3 - now[2], 24, 5 * 8.3 / std::sqrt(20'000));
}

TEST(WeightPerturbation, NeedsEvaluationsInProportionToTheNumberOfWeights) {
  // Descent by gradients needs the same number of steps, of one evaluation each, for any number of weights.
  const auto evaluations = [](std::int64_t n, Perturb perturb) {
    const Tensor p = ones({n}, f64).requires_grad_();
    const double lr = perturb == Perturb::each ? 0.25 : 0.5 / static_cast<double>(n);
    WeightPerturbation optimizer({p}, {.lr = lr, .perturb = perturb, .size = 1e-4});
    while (sum(p * p).item<double>() > 0.01 * static_cast<double>(n)) optimizer.step([&] { return sum(p * p); });
    return static_cast<double>(optimizer.evaluations());
  };
  for (const Perturb perturb : {Perturb::each, Perturb::all}) {
    const double ratio = evaluations(128, perturb) / evaluations(16, perturb);
    EXPECT_GT(ratio, 4);
    EXPECT_LT(ratio, 16);
  }
}

TEST(WeightPerturbation, LeavesParametersAsTheyWereWhenALossIsNotFinite) {
  const Tensor p = tensor({1, 2}).requires_grad_();
  WeightPerturbation optimizer({p});
  int calls = 0;
  expect_error<GradientError>([&] { optimizer.step([&] { return scalar(++calls == 2 ? std::nan("") : 1); }); },
                              "WeightPerturbation: the loss is nan (want a finite one)");
  EXPECT_EQ(p.to_vector<float>(), (std::vector<float>{1, 2}));
  expect_error<UsageError>([&] { optimizer.step(); },
                           "WeightPerturbation: step() without a closure (want step(closure), which returns the loss)");
}

}  // namespace
}  // namespace dagrad::optim
