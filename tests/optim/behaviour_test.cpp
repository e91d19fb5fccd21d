// What optimizers are known for: on quadratics of any condition, on Rosenbrock's valley, on a saddle and on a cliff.
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "all_optimizers.h"
#include "dagrad/core/creation.h"
#include "dagrad/optim/clip.h"
#include "dagrad/optim/lr_range_test.h"

namespace dagrad::optim {
namespace {

using Vector = std::vector<double>;
using Gradient = std::function<Vector(const Vector&)>;

/// Makes `steps` steps from `start`, each after `before_step(parameters)`; returns where they lead.
Vector descend(const std::function<std::unique_ptr<Optimizer>(const std::vector<Tensor>&)>& make, const Vector& start,
               const Gradient& gradient, int steps, const std::function<void(Optimizer&)>& step) {
  const Tensor p = tensor(start, {static_cast<std::int64_t>(start.size())}).requires_grad_();
  const auto optimizer = make({p});
  for (int i = 0; i < steps; ++i) {
    p.set_grad(tensor(gradient(p.to_vector<double>()), p.shape()));
    step(*optimizer);
  }
  return p.to_vector<double>();
}

template <class O>
Vector descend(const typename O::Options& options, const Vector& start, const Gradient& gradient, int steps) {
  return descend([&](const std::vector<Tensor>& p) { return std::make_unique<O>(p, options); }, start, gradient, steps,
                 [](Optimizer& optimizer) { optimizer.step(); });
}

/// Of (x^2 + condition y^2) / 2.
Gradient ravine(double condition) {
  return [condition](const Vector& p) { return Vector{p[0], condition * p[1]}; };
}

double length(const Vector& p) { return std::hypot(p[0], p[1]); }

TEST(Ravine, DescentSlowsDownWithTheConditionAndMomentumWithItsRoot) {
  for (const double condition : {1.0, 1e2, 1e4, 1e6}) {
    const double root = std::sqrt(condition);
    // The best constant settings (Polyak 1964), and steps that bring the error down by at least e^-10 with momentum.
    const double plain_lr = 2 / (condition + 1), heavy_lr = 4 / ((root + 1) * (root + 1));
    const double momentum = std::pow((root - 1) / (root + 1), 2);
    const int steps = static_cast<int>(12 * root);
    const Vector plain = descend<SGD>({.lr = plain_lr}, {1, 1}, ravine(condition), steps);
    const Vector heavy = descend<SGD>({.lr = heavy_lr, .momentum = momentum}, {1, 1}, ravine(condition), steps);
    EXPECT_LT(length(heavy), 1e-5) << condition;
    if (condition == 1) continue;
    // Plain descent has shrunk by ((condition - 1) / (condition + 1))^steps, as its analysis says, and no more.
    EXPECT_NEAR(std::log(length(plain) / std::sqrt(2)), steps * std::log((condition - 1) / (condition + 1)), 1e-6);
    EXPECT_GT(length(plain), 100 * length(heavy)) << condition;
  }
}

TEST(Ravine, NesterovsMomentumBeatsPlainDescent) {
  const Vector plain = descend<SGD>({.lr = 1e-4}, {1, 1}, ravine(1e4), 1000);
  const Vector nesterov = descend<SGD>({.lr = 1e-4, .momentum = 0.98, .nesterov = true}, {1, 1}, ravine(1e4), 1000);
  EXPECT_GT(length(plain), 0.9);
  EXPECT_LT(length(nesterov), 0.01);
}

TEST(Ravine, AdaptiveRatesDoNotSeeTheCondition) {
  // Each coordinate's steps do not change when its gradient is multiplied by a constant.
  const auto expect_equal_coordinates = [](const Vector& p) { EXPECT_NEAR(p[0], p[1], 1e-6); };
  for (const double condition : {1.0, 1e2, 1e4, 1e6}) {
    expect_equal_coordinates(descend<Adam>({.lr = 0.01, .eps = 0}, {1, 1}, ravine(condition), 300));
    expect_equal_coordinates(descend<NAdam>({.lr = 0.01, .eps = 0}, {1, 1}, ravine(condition), 300));
    expect_equal_coordinates(descend<RMSprop>({.lr = 0.001, .eps = 0}, {1, 1}, ravine(condition), 300));
    expect_equal_coordinates(descend<Adagrad>({.lr = 0.1, .eps = 0}, {1, 1}, ravine(condition), 300));
    expect_equal_coordinates(descend<Adamax>({.lr = 0.01, .eps = 0}, {1, 1}, ravine(condition), 300));
    expect_equal_coordinates(descend<Adafactor>({}, {1, 1}, ravine(condition), 300));
    expect_equal_coordinates(descend<Lion>({.lr = 0.001}, {1, 1}, ravine(condition), 300));
    expect_equal_coordinates(descend<Rprop>({}, {1, 1}, ravine(condition), 300));
  }
  EXPECT_LT(length(descend<Rprop>({}, {1, 1}, ravine(1e6), 300)), 1e-5);
  EXPECT_LT(length(descend<Adam>({.lr = 0.05}, {1, 1}, ravine(1e6), 1000)), 1e-2);
}

/// The sizes of the steps under a gradient that is always 1.
template <class O>
Vector steps_under_constant_gradient(const typename O::Options& options, int steps) {
  const Tensor p = tensor({0}, f64).requires_grad_();
  O optimizer({p}, options);
  Vector sizes;
  for (int i = 0; i < steps; ++i) {
    const double before = p.item<double>();
    p.set_grad(ones({1}, f64));
    optimizer.step();
    sizes.push_back(before - p.item<double>());
  }
  return sizes;
}

TEST(Rates, AdagradsFallAndRmspropsDoNot) {
  const Vector adagrad = steps_under_constant_gradient<Adagrad>({.lr = 0.1}, 400);
  for (const std::size_t t : {1U, 4U, 100U, 400U})
    EXPECT_NEAR(adagrad[t - 1], 0.1 / std::sqrt(static_cast<double>(t)), 1e-9);
  const Vector rmsprop = steps_under_constant_gradient<RMSprop>({.lr = 0.1, .alpha = 0.9}, 400);
  EXPECT_NEAR(rmsprop[399], 0.1, 1e-6);
  EXPECT_NEAR(rmsprop[0], 0.1 / std::sqrt(0.1), 1e-6);  // without a correction of the bias
}

TEST(Rates, AdamsFirstStepsNeedTheCorrectionOfTheBias) {
  const Vector corrected = steps_under_constant_gradient<Adam>({.lr = 0.1}, 50);
  for (const double size : corrected) EXPECT_NEAR(size, 0.1, 1e-8);
  // (1 - b1^t) / sqrt(1 - b2^t): three times too long at the first step, six times a little later.
  const Vector biased = steps_under_constant_gradient<Adam>({.lr = 0.1, .bias_correction = false}, 50);
  EXPECT_NEAR(biased[0], 0.1 * 0.1 / std::sqrt(0.001), 1e-6);
  EXPECT_GT(biased[9], 0.6);
  // RAdam waits for v instead.
  const Vector rectified = steps_under_constant_gradient<RAdam>({.lr = 0.1}, 50);
  EXPECT_NEAR(rectified[4], 0.1, 1e-8);
  EXPECT_LT(rectified[5], 0.01);
}

TEST(Saddle, MomentumAndAdaptiveRatesLeaveItSooner) {
  // (x^2 - y^2) / 2 from next to the ridge: how far y has come after 100 steps.
  const Gradient saddle = [](const Vector& p) { return Vector{p[0], -p[1]}; };
  const Vector start{1, 1e-6};
  const double plain = std::abs(descend<SGD>({.lr = 0.01}, start, saddle, 100)[1]);
  EXPECT_LT(plain, 1e-5);
  EXPECT_GT(std::abs(descend<SGD>({.lr = 0.01, .momentum = 0.9}, start, saddle, 100)[1]), 10 * plain);
  EXPECT_GT(std::abs(descend<RMSprop>({.lr = 0.01}, start, saddle, 100)[1]), 0.1);
  EXPECT_GT(std::abs(descend<Adam>({.lr = 0.01}, start, saddle, 100)[1]), 0.1);
  EXPECT_GT(std::abs(descend<Adadelta>({}, start, saddle, 100)[1]), 10 * plain);
  EXPECT_GT(std::abs(descend<Lion>({.lr = 0.01}, start, saddle, 100)[1]), 0.1);
}

TEST(Cliff, ThrowsPlainDescentAwayAndClippingSurvivesIt) {
  // A gentle slope down to 0 that ends, beyond 2, at the foot of a wall.
  const Gradient cliff = [](const Vector& p) { return Vector{p[0] < 2 ? p[0] : 1e5 * (p[0] - 2) + 2, 0}; };
  const auto make = [](const std::vector<Tensor>& p) { return std::make_unique<SGD>(p, SgdOptions{.lr = 0.1}); };
  const Vector start{2.5, 0};
  const Vector plain = descend(make, start, cliff, 50, [](Optimizer& optimizer) { optimizer.step(); });
  const Vector by_norm =
      descend(make, start, cliff, 50, [](Optimizer& optimizer) { step_with_clipped_norm(optimizer, 1); });
  const Vector by_value = descend(make, start, cliff, 50, [](Optimizer& optimizer) {
    clip_grad_value_(optimizer.parameters(), 1);
    optimizer.step();
  });
  EXPECT_LT(plain[0], -20);
  EXPECT_LT(std::abs(by_norm[0]), 0.1);
  EXPECT_LT(std::abs(by_value[0]), 0.1);
  // Steps whose length does not come from the gradient's survive by themselves.
  EXPECT_LT(std::abs(descend<Adam>({.lr = 0.1}, start, cliff, 50)[0]), 3);
  EXPECT_LT(std::abs(descend<RMSprop>({.lr = 0.1}, start, cliff, 50)[0]), 3);
  EXPECT_LT(std::abs(descend<Adagrad>({.lr = 0.1}, start, cliff, 50)[0]), 3);
  EXPECT_LT(std::abs(descend<Lion>({.lr = 0.1}, start, cliff, 50)[0]), 3);
  EXPECT_LT(std::abs(descend<Rprop>({}, start, cliff, 50)[0]), 3);
}

TEST(Rosenbrock, EveryRuleDescendsIntoTheValleyAndMomentumFollowsIt) {
  const auto value = [](const Vector& p) { return (1 - p[0]) * (1 - p[0]) + 100 * std::pow(p[1] - p[0] * p[0], 2); };
  const Gradient gradient = [](const Vector& p) {
    const double valley = p[1] - p[0] * p[0];
    return Vector{-2 * (1 - p[0]) - 400 * p[0] * valley, 200 * valley};
  };
  const Vector start{-1.2, 1};
  EXPECT_NEAR(value(start), 24.2, 1e-12);
  const double plain = value(descend<SGD>({.lr = 1e-3}, start, gradient, 2000));
  const double heavy = value(descend<SGD>({.lr = 1e-3, .momentum = 0.9}, start, gradient, 2000));
  const double nesterov = value(descend<SGD>({.lr = 1e-3, .momentum = 0.9, .nesterov = true}, start, gradient, 2000));
  const double adam = value(descend<Adam>({.lr = 0.05}, start, gradient, 2000));
  const double nadam = value(descend<NAdam>({.lr = 0.05}, start, gradient, 2000));
  const double rmsprop = value(descend<RMSprop>({.lr = 2e-3}, start, gradient, 2000));
  const double adagrad = value(descend<Adagrad>({.lr = 0.5}, start, gradient, 2000));
  const double adadelta = value(descend<Adadelta>({}, start, gradient, 2000));
  EXPECT_LT(plain, 1);
  EXPECT_GT(plain, 1e-2);
  EXPECT_LT(heavy, 1e-4);
  EXPECT_LT(nesterov, 1e-4);
  EXPECT_LT(adam, 1e-4);
  EXPECT_LT(nadam, 0.1);
  EXPECT_LT(rmsprop, 1);
  EXPECT_LT(adagrad, 1);
  EXPECT_LT(adadelta, 5);
  RecordProperty("values",
                 testing::PrintToString(Vector{plain, heavy, nesterov, adam, nadam, rmsprop, adagrad, adadelta}));
}

TEST(LrRangeTest, FindsTheEdgeOfDivergenceAndChangesNothing) {
  // On (x^2 + 10 y^2) / 2 descent diverges beyond a rate of 0.2.
  const Tensor p = tensor({1, 1}, f64).requires_grad_();
  SGD optimizer({p}, {.lr = 0.125, .momentum = 0.5});
  p.set_grad(ones({2}, f64));
  optimizer.step();
  const Vector before = p.to_vector<double>();
  const Vector moments = optimizer.state().tensors.at("0.momentum_buffer").to_vector<double>();
  const auto closure = [&] {
    const Vector at = p.to_vector<double>();
    p.set_grad(tensor({at[0], 10 * at[1]}, f64));
    return scalar((at[0] * at[0] + 10 * at[1] * at[1]) / 2, f64);
  };
  const LrRange range = lr_range_test(optimizer, closure, {.start_lr = 1e-4, .end_lr = 10});
  EXPECT_TRUE(range.diverged);
  EXPECT_GT(range.trials.back().lr, 0.2);
  EXPECT_LT(range.trials.back().lr, 5);
  ASSERT_TRUE(range.steepest().has_value());
  EXPECT_LT(*range.steepest(), 0.4);
  EXPECT_GT(*range.steepest(), 1e-3);
  EXPECT_NEAR(range.trials[1].lr / range.trials[0].lr, std::pow(1e5, 1.0 / 99), 1e-12);
  EXPECT_EQ(optimizer.lr(), 0.125);
  EXPECT_EQ(p.to_vector<double>(), before);
  EXPECT_EQ(optimizer.state().tensors.at("0.momentum_buffer").to_vector<double>(), moments);
}

}  // namespace
}  // namespace dagrad::optim
