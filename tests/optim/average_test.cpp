// Averages of weights, and the loss scaler.
#include "dagrad/optim/average.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/optim/clip.h"
#include "dagrad/optim/grad_scaler.h"
#include "dagrad/optim/sgd.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

TEST(ExponentialAverage, FollowsItsFormula) {
  for (const bool warm_up : {false, true}) {
    Tensor p = tensor({1, -2}, f64).requires_grad_();
    ExponentialAverage average({p}, {.decay = 0.9, .warm_up = warm_up});
    std::vector<double> expected{1, -2};
    for (int n = 0; n < 200; ++n) {
      const double decay = warm_up ? std::min(0.9, (1.0 + n) / (10.0 + n)) : 0.9;
      for (std::size_t i = 0; i < 2; ++i) {
        p.mutable_data<double>()[i] += std::sin(n + static_cast<double>(i));
        expected[i] = decay * expected[i] + (1 - decay) * p.data<double>()[i];
      }
      average.update();
      for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(average.averages()[0].data<double>()[i], expected[i], 1e-12);
    }
  }
}

TEST(StochasticWeightAverage, IsTheMean) {
  Tensor p = zeros({3}, f64);
  StochasticWeightAverage average({p});
  for (int n = 1; n <= 9; ++n) {
    p.fill_(n * n);
    average.update();
  }
  EXPECT_NEAR(average.averages()[0].data<double>()[1], 285.0 / 9, 1e-13);
}

TEST(WeightAverage, SwapsInAndOut) {
  for (const DType dtype : {f64, f32, bf16}) {
    Tensor p = full({5}, 1.0, dtype).requires_grad_();
    ExponentialAverage average({p}, {.decay = 0.5});
    {
      const NoGrad guard;
      p.fill_(3);
    }
    average.update();
    {
      const Averaged guard(average);
      EXPECT_EQ(p.to_vector<double>(), std::vector<double>(5, 2));
      expect_error<UsageError>([&] { average.update(); },
                               "ExponentialAverage: update while the tensors hold their averages (want swap() first)");
      EXPECT_THROW(average.state(), UsageError);
      EXPECT_THROW(Averaged{average}, UsageError);
    }
    EXPECT_EQ(p.to_vector<double>(), std::vector<double>(5, 3));
    EXPECT_EQ(average.averages()[0].to_vector<double>(), std::vector<double>(5, 2));
  }
}

TEST(WeightAverage, GoesOnFromASavedState) {
  Tensor p = tensor({1, 2});
  ExponentialAverage a({p}, {.warm_up = true}), b({p}, {.warm_up = true});
  for (int i = 0; i < 3; ++i) {
    p.fill_(i);
    a.update();
  }
  b.load_state(a.state());
  p.fill_(7);
  a.update();
  b.update();
  EXPECT_EQ(a.averages()[0].to_vector<float>(), b.averages()[0].to_vector<float>());
  State bad = a.state();
  bad.tensors["0.average"] = zeros({3});
  expect_error<UsageError>([&] { b.load_state(bad); },
                           "ExponentialAverage: '0.average' of the state is f32 of shape [3] (want f32 of shape [2])");
}

TEST(WeightAverage, RefusesWhatCannotBeMeant) {
  expect_error<UsageError>([] { StochasticWeightAverage({}); },
                           "StochasticWeightAverage: no tensors (want at least one)");
  expect_error<DTypeError>([] { StochasticWeightAverage({zeros({2}, i64)}); },
                           "StochasticWeightAverage: tensor 0 is i64 (want f32, f64 or bf16)");
  expect_error<UsageError>([] { ExponentialAverage({zeros({2})}, {.decay = 1.5}); },
                           "ExponentialAverage: decay is 1.5 (want a number from 0 to 1)");
}

TEST(GradScaler, StepsAsIfItWereNotThere) {
  const Tensor a = tensor({1, 2}).requires_grad_(), b = tensor({1, 2}).requires_grad_();
  SGD first({a}, {.lr = 0.1}), second({b}, {.lr = 0.1});
  GradScaler scaler;
  for (int i = 0; i < 5; ++i) {
    first.zero_grad();
    second.zero_grad();
    scaler.backward(sum(a * a));
    sum(b * b).backward();
    EXPECT_EQ(a.grad().to_vector<float>()[0], 65536 * b.grad().to_vector<float>()[0]);
    if (i == 3) {
      scaler.unscale_(first);
      EXPECT_EQ(a.grad().to_vector<float>(), b.grad().to_vector<float>());
      EXPECT_THROW(scaler.unscale_(first), UsageError);
    }
    EXPECT_TRUE(scaler.step(first));
    scaler.update();
    second.step();
    EXPECT_EQ(a.to_vector<float>(), b.to_vector<float>());
  }
}

TEST(GradScaler, LeavesOutStepsWithInfiniteGradientsAndAdapts) {
  const Tensor p = tensor({1, 2}).requires_grad_();
  SGD optimizer({p}, {.lr = 0.1});
  GradScaler scaler({.init_scale = 8, .growth_interval = 2});
  p.set_grad(tensor({1, std::numeric_limits<double>::infinity()}));
  EXPECT_FALSE(scaler.step(optimizer));
  scaler.update();
  EXPECT_EQ(p.to_vector<float>(), (std::vector<float>{1, 2}));
  EXPECT_EQ(scaler.scale(), 4);
  p.set_grad(tensor({1, 1}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(scaler.step(optimizer));
    scaler.update();
  }
  EXPECT_EQ(scaler.scale(), 8);
  GradScaler resumed;
  resumed.load_state(scaler.state());
  EXPECT_EQ(resumed.scale(), 8);
  expect_error<UsageError>([] { GradScaler({.growth_factor = 1}); },
                           "GradScaler: growth_factor is 1 (want more than 1)");
  GradScaler off({.enabled = false});
  EXPECT_EQ(off.scale(), 1);
}

TEST(GradScaler, RemembersWhatWasInfiniteBeforeClippingHidIt) {
  const Tensor p = tensor({1, 2}).requires_grad_();
  SGD optimizer({p}, {.lr = 0.1});
  GradScaler scaler({.init_scale = 8});
  p.set_grad(tensor({1, std::numeric_limits<double>::infinity()}));
  scaler.unscale_(optimizer);
  clip_grad_value_({p}, 1);
  EXPECT_FALSE(scaler.step(optimizer));
  scaler.update();
  EXPECT_EQ(p.to_vector<float>(), (std::vector<float>{1, 2}));
  EXPECT_EQ(scaler.scale(), 4);
}

}  // namespace
}  // namespace dagrad::optim
