// What holds for every optimizer: it descends, goes on from a saved state bit for bit, refuses other states, climbs
// with maximize, and does in f32, bf16 and on several threads what it does in f64 on one.
#include <algorithm>
#include <cmath>

#include "all_optimizers.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

INSTANTIATE_TEST_SUITE_P(Each, EveryOptimizer, testing::ValuesIn(all_optimizers()),
                         [](const auto& parameter) { return parameter.param.name; });

/// A matrix, a vector and a number.
std::vector<Tensor> parameters(DType dtype = f64) {
  Generator generator(7);
  return {randn({5, 7}, dtype, generator).requires_grad_(), randn({19}, dtype, generator).requires_grad_(),
          randn({}, dtype, generator).requires_grad_()};
}

/// sum of (p - 0.3)^2 over all parameters.
Tensor loss_of(const std::vector<Tensor>& all) {
  Tensor loss;
  for (const Tensor& p : all) {
    const Tensor part = sum((p - 0.3) * (p - 0.3));
    loss = loss.defined() ? loss + part : part;
  }
  return loss;
}

void step(Optimizer& optimizer, double sign = 1) {
  optimizer.step([&] {
    optimizer.zero_grad();
    Tensor loss = loss_of(optimizer.parameters()) * sign;
    if (grad_enabled()) loss.backward();
    return loss;
  });
}

std::vector<double> values_of(const std::vector<Tensor>& all) {
  std::vector<double> values;
  for (const Tensor& p : all) {
    const std::vector<double> own = p.to_vector<double>();
    values.insert(values.end(), own.begin(), own.end());
  }
  return values;
}

TEST_P(EveryOptimizer, Descends) {
  const auto p = parameters();
  const double before = loss_of(p).item<double>();
  const auto optimizer = GetParam().make(p);
  for (int i = 0; i < 50; ++i) step(*optimizer);
  EXPECT_LT(loss_of(p).item<double>(), before);
}

TEST_P(EveryOptimizer, ClimbsWithMaximizeAsItDescendsWithout) {
  const auto down = parameters(), up = parameters();
  const auto descending = GetParam().make(down), climbing = GetParam().make(up);
  climbing->set_option("maximize", 1);
  for (int i = 0; i < 10; ++i) {
    step(*descending);
    step(*climbing, -1);
  }
  EXPECT_EQ(values_of(down), values_of(up));
}

TEST_P(EveryOptimizer, GoesOnFromASavedStateBitForBit) {
  for (const int saved_after : {0, 1, 7}) {
    const auto whole = parameters();
    const auto uninterrupted = GetParam().make(whole);
    uninterrupted->set_lr(0.03);
    State state;
    std::vector<Tensor> resumed = parameters();
    for (int i = 0; i < 20; ++i) {
      if (i == saved_after) {
        state = uninterrupted->state();
        for (std::size_t k = 0; k < whole.size(); ++k) copy_elements(whole[k], resumed[k]);
      }
      step(*uninterrupted);
    }
    const auto optimizer = GetParam().make(resumed);
    optimizer->load_state(state);
    EXPECT_EQ(optimizer->lr(), 0.03);
    for (int i = saved_after; i < 20; ++i) step(*optimizer);
    EXPECT_EQ(values_of(resumed), values_of(whole)) << "saved after " << saved_after;
    const State a = optimizer->state(), b = uninterrupted->state();
    EXPECT_EQ(a.numbers.size(), b.numbers.size());
    for (const auto& [name, value] : b.numbers) {
      if (std::isnan(value)) continue;  // an option that stands for none
      EXPECT_EQ(a.numbers.at(name), value) << name;
    }
    for (const auto& [name, tensor] : b.tensors)
      EXPECT_EQ(a.tensors.at(name).to_vector<double>(), tensor.to_vector<double>()) << name;
  }
}

TEST_P(EveryOptimizer, RefusesAStateThatDoesNotFitAndStaysAsItWas) {
  const auto p = parameters();
  const auto optimizer = GetParam().make(p);
  for (int i = 0; i < 3; ++i) step(*optimizer);
  const State good = optimizer->state();
  std::vector<State> bad;
  bad.push_back(good);
  bad.back().kind = "Another";
  bad.push_back(good);
  bad.back().numbers["group0.parameters"] = 4;
  bad.push_back(good);
  bad.back().numbers["group0.lr"] = -1;
  bad.push_back(good);
  bad.back().numbers.erase("group0.lr");
  bad.push_back(good);
  bad.back().numbers["7.step"] = 3;
  bad.push_back(good);
  bad.back().tensors["7.exp_avg"] = zeros({1});
  if (!good.tensors.empty()) {
    const std::string name = good.tensors.begin()->first;
    bad.push_back(good);
    bad.back().tensors.erase(name);
    bad.push_back(good);
    bad.back().tensors[name] = zeros({2, 3}, f64);
    bad.push_back(good);
    bad.back().tensors[name] = zeros(good.tensors.at(name).shape(), i64);
  }
  for (const State& state : bad) {
    EXPECT_THROW(optimizer->load_state(state), UsageError);
    const State after = optimizer->state();
    EXPECT_EQ(after.numbers.at("group0.lr"), good.numbers.at("group0.lr"));
    for (const auto& [name, tensor] : good.tensors)
      EXPECT_EQ(after.tensors.at(name).to_vector<double>(), tensor.to_vector<double>()) << name;
  }
}

TEST_P(EveryOptimizer, RefusesOptionsOutOfRangeAndStaysAsItWas) {
  const auto p = parameters();
  const auto optimizer = GetParam().make(p);
  const double before = optimizer->lr();
  for (const double bad : {-1.0, HUGE_VAL, std::nan("")}) EXPECT_THROW(optimizer->set_lr(bad), UsageError);
  EXPECT_EQ(optimizer->lr(), before);
  EXPECT_THROW(optimizer->set_option("lrr", 1), UsageError);
  EXPECT_THROW(optimizer->set_lr(0.1, 1), UsageError);
  // The betas lie in [0, 1), others are not negative.
  for (const auto& [key, value] : optimizer->state().numbers) {
    if (!key.starts_with("group0.") || key == "group0.parameters") continue;
    const std::string option = key.substr(7);
    std::vector<double> bad;
    if (option.starts_with("betas.") || option == "alpha") bad = {-0.1, 1.0, 1.5, std::nan("")};
    if (option == "weight_decay" || option == "eps" || option == "momentum") bad = {-0.1, std::nan("")};
    for (const double number : bad) EXPECT_THROW(optimizer->set_option(option, number), UsageError) << option;
    if (std::isnan(value)) continue;  // stands for none
    EXPECT_EQ(optimizer->option(option), value) << option;
  }
}

TEST_P(EveryOptimizer, SaysWhichGradientIsNotFiniteAndChangesNothing) {
  if (GetParam().name == "WeightPerturbation") GTEST_SKIP() << "has no gradients; see its own test";
  auto p = parameters();
  p[1].set_name("bias");
  const auto optimizer = GetParam().make(p);
  optimizer->error_if_nonfinite(true);
  step(*optimizer);
  const auto before = values_of(p);
  const State state = optimizer->state();
  Tensor bad = ones({19}, f64);
  bad.mutable_data<double>()[4] = std::nan("");
  p[1].set_grad(bad);
  expect_error<GradientError>(
      [&] {
        if (!GetParam().needs_closure) return optimizer->step();
        optimizer->step([&] { return scalar(1, f64); });
      },
      std::string(optimizer->name()) +
          ": the gradient of parameter 1 (bias) of shape [19] is nan at [4] (want finite gradients)");
  EXPECT_EQ(values_of(p), before);
  const State after = optimizer->state();
  for (const auto& [name, tensor] : state.tensors)
    EXPECT_EQ(after.tensors.at(name).to_vector<double>(), tensor.to_vector<double>()) << name;
  for (const auto& [name, number] : state.numbers) {
    if (name == "evaluations" || std::isnan(number)) continue;
    EXPECT_EQ(after.numbers.at(name), number) << name;
  }
}

TEST_P(EveryOptimizer, ScalesGradientsInTheStep) {
  if (GetParam().needs_closure) GTEST_SKIP() << "has no step() without a closure";
  const auto a = parameters(), b = parameters();
  const auto first = GetParam().make(a), second = GetParam().make(b);
  for (int i = 0; i < 5; ++i) {
    for (std::size_t k = 0; k < a.size(); ++k) {
      Generator generator(static_cast<std::uint64_t>(100 * i) + k);
      const Tensor gradient = randn(a[k].shape(), f64, generator);
      a[k].set_grad(gradient);
      b[k].set_grad(gradient * 0.25);
    }
    first->step({.grad_scale = 0.25});
    second->step();
  }
  EXPECT_EQ(values_of(a), values_of(b));
}

TEST_P(EveryOptimizer, ComputesInF32WhatItDoesInF64) {
  const auto narrow = parameters(f32), wide = parameters(f64);
  for (std::size_t k = 0; k < wide.size(); ++k) {
    Tensor w = wide[k];
    copy_elements(narrow[k], w);
  }
  const auto a = GetParam().make(narrow), b = GetParam().make(wide);
  a->set_option("maximize", 0);
  for (int i = 0; i < 5; ++i) {
    step(*a);
    step(*b);
  }
  const auto x = values_of(narrow), y = values_of(wide);
  // An estimate by differences loses half the digits; a sign flips where a gradient is near 0.
  const double tolerance = GetParam().name == "WeightPerturbation" ? 0.1 : 2e-5;
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], tolerance * std::max(1.0, std::abs(y[i])));
}

TEST_P(EveryOptimizer, GivesTheSameBitsOnAnyNumberOfThreads) {
  const auto run = [&](int threads) {
    const ThreadLimit limit(threads);
    Generator generator(1);
    const std::vector<Tensor> p{randn({317, 211}, f32, generator).requires_grad_(),
                                randn({50'003}, f32, generator).requires_grad_(),
                                randn({3}, f32, generator).requires_grad_()};
    const auto optimizer = GetParam().make(p);
    for (int i = 0; i < 3; ++i) {
      optimizer->step([&] {
        for (const Tensor& t : p) t.set_grad(t.detach() * 2);
        return scalar(1);
      });
    }
    return values_of(p);
  };
  EXPECT_EQ(run(1), run(2));
}

TEST_P(EveryOptimizer, TrainsBf16ParametersOnF32MasterWeights) {
  if (!GetParam().fused) GTEST_SKIP() << "takes f32 and f64 only";
  const auto narrow = parameters(bf16), wide = parameters(f32);
  for (std::size_t k = 0; k < wide.size(); ++k) {
    Tensor w = wide[k];
    copy_elements(narrow[k], w);
  }
  const auto a = GetParam().make(narrow), b = GetParam().make(wide);
  for (int i = 0; i < 20; ++i) {
    for (std::size_t k = 0; k < wide.size(); ++k) {
      Generator generator(static_cast<std::uint64_t>(100 * i) + k);
      Tensor gradient = randn(wide[k].shape(), bf16, generator), same = empty_like(wide[k]);
      copy_elements(gradient, same);
      narrow[k].set_grad(gradient);
      wide[k].set_grad(same);
    }
    a->step();
    b->step();
    for (std::size_t k = 0; k < wide.size(); ++k) {
      Tensor rounded = empty_like(narrow[k]);
      copy_elements(wide[k], rounded);
      ASSERT_EQ(narrow[k].to_vector<float>(), rounded.to_vector<float>()) << "step " << i;
      ASSERT_EQ(a->state().tensors.at(std::to_string(k) + ".master").to_vector<float>(), wide[k].to_vector<float>());
    }
  }
}

}  // namespace
}  // namespace dagrad::optim
