// Each optimizer against an independent evaluation of its published formula, 100 steps in f64.
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad::optim {
namespace {

/// f(p) = sum c p^2 / 2 + sum cos(p), whose gradient is c p - sin(p).
const std::vector<double> kStart{1.5, -2, 0.3, 4, -0.01};
const std::vector<double> kCurvature{1, 0.1, 10, 3, 0.5};

void set_gradient(Tensor& p) {
  Tensor gradient = empty({5}, f64);
  const double* x = p.data<double>();
  double* g = gradient.mutable_data<double>();
  for (std::size_t i = 0; i < 5; ++i) g[i] = kCurvature[i] * x[i] - std::sin(x[i]);
  p.set_grad(gradient);
}

/// Runs 100 steps of `optimizer` beside `step(p, g, t)`, the formula for one number whose state the closure keeps.
void expect_same(const std::function<std::unique_ptr<Optimizer>(std::vector<Tensor>)>& make,
                 const std::function<std::function<double(double, double, int)>()>& formula) {
  Tensor p = tensor(kStart, {5}).requires_grad_();
  const auto optimizer = make({p});
  std::vector<double> expected = kStart;
  std::vector<std::function<double(double, double, int)>> steps;
  for (int i = 0; i < 5; ++i) steps.push_back(formula());
  for (int t = 1; t <= 100; ++t) {
    set_gradient(p);
    optimizer->step();
    for (std::size_t i = 0; i < 5; ++i) {
      expected[i] = steps[i](expected[i], kCurvature[i] * expected[i] - std::sin(expected[i]), t);
      ASSERT_NEAR(p.data<double>()[i], expected[i], 1e-12 * std::max(1.0, std::abs(expected[i]))) << "step " << t;
    }
  }
}

TEST(SGD, FollowsItsFormula) {
  for (const SgdOptions& o : {SgdOptions{.lr = 0.05}, SgdOptions{.lr = 0.05, .momentum = 0.9},
                              SgdOptions{.lr = 0.02, .momentum = 0.8, .dampening = 0.3},
                              SgdOptions{.lr = 0.02, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true}}) {
    expect_same([&](std::vector<Tensor> p) { return std::make_unique<SGD>(std::move(p), o); },
                [&] {
                  return [o, b = 0.0](double p, double g, int t) mutable {
                    g += o.weight_decay * p;
                    if (o.momentum != 0) {
                      b = t == 1 ? g : o.momentum * b + (1 - o.dampening) * g;
                      g = o.nesterov ? g + o.momentum * b : b;
                    }
                    return p - o.lr * g;
                  };
                });
  }
}

TEST(Adam, FollowsItsFormula) {
  for (const AdamOptions& o : {AdamOptions{}, AdamOptions{.lr = 0.1},
                               AdamOptions{.lr = 0.05, .betas = {0.5, 0.9}, .eps = 1e-3, .weight_decay = 0.2},
                               AdamOptions{.lr = 0.1, .betas = {0.9, 0.5}, .amsgrad = true}}) {
    expect_same([&](std::vector<Tensor> p) { return std::make_unique<Adam>(std::move(p), o); },
                [&] {
                  return [o, m = 0.0, v = 0.0, largest = 0.0](double p, double g, int t) mutable {
                    const auto [b1, b2] = o.betas;
                    g += o.weight_decay * p;
                    m = b1 * m + (1 - b1) * g;
                    v = b2 * v + (1 - b2) * g * g;
                    largest = std::max(largest, v);
                    const double m_hat = m / (1 - std::pow(b1, t)),
                                 v_hat = (o.amsgrad ? largest : v) / (1 - std::pow(b2, t));
                    return p - o.lr * m_hat / (std::sqrt(v_hat) + o.eps);
                  };
                });
  }
}

TEST(Adam, GivesTheSameBitsOnAnyNumberOfThreads) {
  const auto run = [](int threads) {
    const ThreadLimit limit(threads);
    Generator generator(1);
    Tensor p = randn({100'003}, f32, generator).requires_grad_();
    Adam optimizer({p});
    for (int i = 0; i < 3; ++i) {
      p.set_grad(randn({100'003}, f32, generator));
      optimizer.step();
    }
    return p.to_vector<float>();
  };
  EXPECT_EQ(run(1), run(2));
}

TEST(Optimizer, LeavesParametersWithoutAGradientAlone) {
  const Tensor a = ones({2}).requires_grad_(), b = ones({2}).requires_grad_();
  SGD optimizer({a, b}, {.lr = 1});
  sum(a * 3).backward();
  optimizer.step();
  EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{-2, -2}));
  EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(Optimizer, ClearsGradients) {
  const Tensor a = ones({2}).requires_grad_();
  SGD optimizer({a});
  sum(a).backward();
  optimizer.zero_grad(false);
  EXPECT_EQ(a.grad().to_vector<float>(), (std::vector<float>{0, 0}));
  optimizer.zero_grad();
  EXPECT_FALSE(a.grad().defined());
}

TEST(Optimizer, RefusesWhatCannotBeMeant) {
  const Tensor p = ones({2}).requires_grad_(), constant = ones({2});
  expect_error<UsageError>([&] { SGD({p}, {.lr = -1}); }, "SGD: lr is -1 (want a finite number >= 0)");
  expect_error<UsageError>([&] { SGD({p}, {.nesterov = true}); },
                           "SGD: nesterov needs momentum and no dampening (want momentum > 0 and dampening = 0)");
  expect_error<UsageError>([&] { Adam({p}, {.betas = {0.9, 1.0}}); }, "Adam: betas.second is 1 (want 0 <= beta < 1)");
  expect_error<UsageError>(
      [&] {
        Adam({p, p});
      },
      "Adam: parameter 1 of shape [2] is parameter 0 again (want each once)");
  expect_error<UsageError>([&] { Adam({constant}); },
                           "Adam: parameter 0 of shape [2] requires no gradient (want requires_grad_())");
  expect_error<UsageError>([&] { Adam({p * 2}); },
                           "Adam: parameter 0 of shape [2] is the result of an op (want a leaf)");
  expect_error<UsageError>([&] { Adam(std::vector<Tensor>{}); }, "Adam: no parameters (want at least one)");
}

}  // namespace
}  // namespace dagrad::optim
