// Schedules against values worked out by hand or by PyTorch's step-by-step definitions.
#include "dagrad/optim/schedule.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/optim/adam.h"
#include "dagrad/optim/lr_scheduler.h"
#include "dagrad/optim/plateau.h"
#include "dagrad/optim/sgd.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

Tensor parameter() { return zeros({2}).requires_grad_(); }

void expect_rates(const Schedule& schedule, double base, const std::vector<double>& rates) {
  for (std::size_t t = 0; t < rates.size(); ++t)
    EXPECT_NEAR(schedule.lr(base, static_cast<std::int64_t>(t)), rates[t], 1e-15) << "t = " << t;
}

TEST(Schedule, StepsAndPowers) {
  expect_rates(StepLR{.step_size = 2, .gamma = 0.5}, 1, {1, 1, 0.5, 0.5, 0.25, 0.25});
  expect_rates(MultiStepLR{{1, 3, 3}, 0.5}, 1, {1, 0.5, 0.5, 0.125, 0.125});
  expect_rates(ExponentialLR{0.5}, 2, {2, 1, 0.5, 0.25});
  expect_rates(PolynomialLR{.total_iters = 4, .power = 2}, 1, {1, 0.5625, 0.25, 0.0625, 0, 0});
  expect_rates(ConstantLR{.factor = 0.5, .total_iters = 2}, 1, {0.5, 0.5, 1, 1});
  expect_rates(LinearLR{.start_factor = 0.2, .total_iters = 4}, 1, {0.2, 0.4, 0.6, 0.8, 1, 1});
  expect_rates(LinearLR{.start_factor = 0.2, .end_factor = 0.5, .total_iters = 0}, 1, {0.5});
  expect_rates(LambdaLR{[](std::int64_t t) { return 1 / (1.0 + static_cast<double>(t)); }}, 3, {3, 1.5, 1});
  expect_rates([](double base, std::int64_t t) { return base + static_cast<double>(t); }, 3, {3, 4});
}

TEST(Schedule, CosinesFallToTheirMinimumAndRestart) {
  const double h = std::sqrt(0.5);
  expect_rates(CosineAnnealingLR{.t_max = 4, .eta_min = 0}, 2, {2, 1 + h, 1, 1 - h, 0, 1 - h, 1});
  expect_rates(CosineAnnealingLR{.t_max = 2, .eta_min = 1}, 3, {3, 2, 1});
  expect_rates(CosineAnnealingWarmRestarts{.t_0 = 2}, 2, {2, 1, 2, 1, 2});
  expect_rates(CosineAnnealingWarmRestarts{.t_0 = 2, .t_mult = 2}, 2, {2, 1, 2, 1 + h, 1, 1 - h, 2});
}

TEST(Schedule, CosineFollowsPyTorchsRecursion) {
  // lr(t) = (1 + cos(pi t / T)) / (1 + cos(pi (t - 1) / T)) (lr(t - 1) - eta_min) + eta_min.
  const CosineAnnealingLR schedule{.t_max = 50, .eta_min = 0.01};
  double lr = 0.3;
  for (int t = 1; t < 50; ++t) {
    lr = (1 + std::cos(std::numbers::pi * t / 50)) / (1 + std::cos(std::numbers::pi * (t - 1) / 50)) * (lr - 0.01) +
         0.01;
    EXPECT_NEAR(schedule(0.3, t), lr, 1e-13);
  }
}

TEST(Schedule, OneCycleRisesAndFalls) {
  // Phases end at 0.3 * 10 - 1 = 2 and at 9.
  const OneCycleLR cos{.max_lr = 1, .total_steps = 10};
  EXPECT_NEAR(cos(7, 0), 0.04, 1e-15);
  EXPECT_NEAR(cos(7, 1), 0.52, 1e-15);
  EXPECT_NEAR(cos(7, 2), 1, 1e-15);
  EXPECT_NEAR(cos(7, 9), 4e-6, 1e-15);
  EXPECT_NEAR(cos.momentum(0), 0.95, 1e-15);
  EXPECT_NEAR(cos.momentum(2), 0.85, 1e-15);
  EXPECT_NEAR(cos.momentum(9), 0.95, 1e-15);
  const OneCycleLR three{.max_lr = 1, .total_steps = 10, .anneal_strategy = Anneal::linear, .three_phase = true};
  // Up to 2, back at 2 * 0.3 * 10 - 2 = 4, down at 9.
  EXPECT_NEAR(three(7, 1), 0.52, 1e-15);
  EXPECT_NEAR(three(7, 3), 0.52, 1e-15);
  EXPECT_NEAR(three(7, 4), 0.04, 1e-15);
  EXPECT_NEAR(three(7, 9), 4e-6, 1e-15);
  EXPECT_NEAR(three.momentum(8), 0.95, 1e-15);
  expect_error<UsageError>([&] { cos(7, 10); }, "OneCycleLR: step 10 (want less than total_steps = 10)");
}

TEST(Schedule, SequencesBeginEachPartAtItsOwnZero) {
  const SequentialLR warm_up{{LinearLR{.start_factor = 0.5, .total_iters = 2}, ExponentialLR{0.1}}, {2}};
  expect_rates(warm_up, 1, {0.5, 0.75, 1, 0.1, 0.01});
  expect_rates(ChainedLR{{ConstantLR{.factor = 0.5, .total_iters = 2}, ExponentialLR{0.1}}}, 1,
               {0.5, 0.05, 0.01, 0.001});
  expect_rates(SWALR{.swa_lr = 0.1, .anneal_epochs = 2, .anneal_strategy = Anneal::linear}, 0.3, {0.3, 0.2, 0.1, 0.1});
  // A sequence in a sequence.
  expect_rates(SequentialLR{{warm_up, StepLR{1, 0.5}}, {3}}, 1, {0.5, 0.75, 1, 1, 0.5});
}

TEST(Schedule, RefusesMembersOutOfRange) {
  const auto refuses = [](const auto& schedule, const std::string& message) {
    expect_error<UsageError>([&] { const Schedule s(schedule); }, message);
  };
  refuses(StepLR{.step_size = 0}, "StepLR: step_size is 0 (want at least 1)");
  refuses(ExponentialLR{-1}, "ExponentialLR: gamma is -1 (want a finite number >= 0)");
  refuses(MultiStepLR{{3, 1}}, "MultiStepLR: the milestones do not increase (want 0 <= first <= ...)");
  refuses(CosineAnnealingLR{.t_max = 0}, "CosineAnnealingLR: t_max is 0 (want at least 1)");
  refuses(SequentialLR{{ExponentialLR{1}}, {1}},
          "SequentialLR: 1 schedules and 1 milestones (want one milestone less than schedules)");
  refuses(OneCycleLR{.max_lr = 1, .total_steps = 10, .max_momentum = 1},
          "OneCycleLR: max_momentum is 1 (want 0 <= momentum < 1)");
}

TEST(LRScheduler, SetsEveryGroupFromItsOwnBase) {
  SGD optimizer({{{parameter()}, {.lr = 1}}, {{parameter()}, {.lr = 10}}});
  LRScheduler scheduler(optimizer, LinearLR{.start_factor = 0.5, .total_iters = 2});
  EXPECT_EQ(optimizer.lr(0), 0.5);
  EXPECT_EQ(optimizer.lr(1), 5);
  scheduler.step();
  EXPECT_EQ(scheduler.last_lr(), (std::vector<double>{0.75, 7.5}));
  EXPECT_EQ(optimizer.lr(1), 7.5);
}

TEST(LRScheduler, CyclesMomentumAgainstTheRate) {
  SGD sgd({parameter()}, {.momentum = 0.9});
  LRScheduler first(sgd, OneCycleLR{.max_lr = 1, .total_steps = 10});
  EXPECT_NEAR(sgd.options().momentum, 0.95, 1e-15);
  Adam adam({parameter()});
  LRScheduler second(adam, OneCycleLR{.max_lr = 1, .total_steps = 10});
  second.step();
  EXPECT_NEAR(adam.options().betas.first, 0.9, 1e-15);
}

TEST(LRScheduler, GoesOnFromASavedState) {
  SGD a({parameter()}, {.lr = 1}), b({parameter()}, {.lr = 3});
  LRScheduler first(a, ExponentialLR{0.9}), second(b, ExponentialLR{0.9});
  for (int i = 0; i < 5; ++i) first.step();
  second.load_state(first.state());
  EXPECT_EQ(b.lr(), a.lr());
  first.step();
  second.step();
  EXPECT_EQ(b.lr(), a.lr());
  State other = first.state();
  other.numbers["groups"] = 2;
  expect_error<UsageError>([&] { second.load_state(other); }, "LRScheduler: the state has 2 groups (want 1)");
  EXPECT_EQ(second.steps(), 6);
}

TEST(LRScheduler, RefusesARateThatIsNone) {
  SGD optimizer({parameter()}, {.lr = 1});
  LRScheduler scheduler(optimizer, [](double base, std::int64_t t) { return base - static_cast<double>(t); });
  scheduler.step();
  expect_error<UsageError>([&] { scheduler.step(); },
                           "LRScheduler: the schedule gives -1 at step 2 (want a finite number >= 0)");
  EXPECT_EQ(optimizer.lr(), 0);
  EXPECT_EQ(scheduler.steps(), 1);
}

TEST(ReduceLROnPlateau, LowersTheRateWhenPatienceEnds) {
  SGD optimizer({parameter()}, {.lr = 1});
  ReduceLROnPlateau plateau(optimizer, {.factor = 0.5, .patience = 1, .cooldown = 1, .min_lr = 0.3});
  EXPECT_FALSE(plateau.step(10));
  EXPECT_FALSE(plateau.step(9));
  EXPECT_FALSE(plateau.step(8.9999));  // less than a ten-thousandth better: the first bad step
  EXPECT_TRUE(plateau.step(std::nan("")));
  EXPECT_EQ(optimizer.lr(), 0.5);
  EXPECT_EQ(plateau.best(), 9);
  EXPECT_FALSE(plateau.step(9));  // cools down
  const State state = plateau.state();
  EXPECT_FALSE(plateau.step(9));
  EXPECT_TRUE(plateau.step(9));
  EXPECT_EQ(optimizer.lr(), 0.3);
  SGD other({parameter()}, {.lr = 0.5});
  ReduceLROnPlateau resumed(other, {.factor = 0.5, .patience = 1, .cooldown = 1, .min_lr = 0.3});
  resumed.load_state(state);
  EXPECT_FALSE(resumed.step(9));
  EXPECT_TRUE(resumed.step(9));
}

TEST(ReduceLROnPlateau, TakesHigherForBetterAndAbsoluteThresholds) {
  SGD optimizer({parameter()}, {.lr = 1});
  ReduceLROnPlateau plateau(
      optimizer, {.mode = PlateauMode::max, .patience = 0, .threshold = 0.5, .threshold_mode = ThresholdMode::abs});
  EXPECT_FALSE(plateau.step(0.1));
  EXPECT_FALSE(plateau.step(0.7));
  EXPECT_TRUE(plateau.step(1.1));
  EXPECT_DOUBLE_EQ(optimizer.lr(), 0.1);
  expect_error<UsageError>([&] { ReduceLROnPlateau(optimizer, {.factor = 1}); },
                           "ReduceLROnPlateau: factor is 1 (want 0 <= factor < 1)");
}

}  // namespace
}  // namespace dagrad::optim
