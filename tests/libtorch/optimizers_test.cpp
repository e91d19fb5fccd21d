// The optimizers that libtorch has, against libtorch's: 100 steps in f64 on the same problem.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <torch/optim.h>
#include <torch/types.h>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/optim/optim.h"

namespace dagrad::optim {
namespace {

constexpr std::int64_t kCount = 37;
constexpr int kSteps = 100;
// LBFGS, whose steps depend on whether sums lie above bounds, lets roundings grow near the minimum.
constexpr int kLbfgsSteps = 20;

using Vector = std::vector<double>;

/// f(p) = sum of c p^2 / 2 + cos(p), with c from 0.1 to 10.
double slope(std::int64_t i) { return std::pow(10, static_cast<double>(i % 5) / 2 - 1); }

double value(const Vector& p) {
  double sum = 0;
  for (std::int64_t i = 0; i < kCount; ++i) {
    const double x = p[static_cast<std::size_t>(i)];
    sum += slope(i) * x * x / 2 + std::cos(x);
  }
  return sum;
}

Vector gradient(const Vector& p) {
  Vector g(p.size());
  for (std::int64_t i = 0; i < kCount; ++i) {
    const double x = p[static_cast<std::size_t>(i)];
    g[static_cast<std::size_t>(i)] = slope(i) * x - std::sin(x);
  }
  return g;
}

Vector start() {
  Vector p(kCount);
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = 4 * std::sin(1.0 + 2.3 * static_cast<double>(i));
  return p;
}

Vector values_of(const torch::Tensor& t) {
  const torch::Tensor dense = t.detach().contiguous();
  return {dense.data_ptr<double>(), dense.data_ptr<double>() + dense.numel()};
}

torch::Tensor torch_tensor(Vector values) {
  return torch::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, torch::kFloat64).clone();
}

/// Steps of both, each along its own trajectory.
void expect_same(const std::string& name, const std::function<std::unique_ptr<Optimizer>(const Tensor&)>& make,
                 const std::function<std::unique_ptr<torch::optim::Optimizer>(const torch::Tensor&)>& make_torch,
                 int steps) {
  SCOPED_TRACE(name);
  const Tensor p = tensor(start(), {kCount}).requires_grad_();
  const torch::Tensor q = torch_tensor(start()).requires_grad_();
  const auto ours = make(p);
  const auto theirs = make_torch(q);
  for (int step = 1; step <= steps; ++step) {
    ours->step([&] {
      p.set_grad(tensor(gradient(p.to_vector<double>()), {kCount}));
      return scalar(value(p.to_vector<double>()), f64);
    });
    theirs->step([&] {
      torch::Tensor at = q;
      at.mutable_grad() = torch_tensor(gradient(values_of(at)));
      return torch::scalar_tensor(value(values_of(at)), torch::kFloat64);
    });
    const Vector a = p.to_vector<double>(), b = values_of(q);
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], 1e-12 * std::max(1.0, std::abs(b[i]))) << "number " << i << " after step " << step;
    }
  }
}

template <class Ours, class Theirs, class TheirOptions>
void expect_same(const std::string& name, const typename Ours::Options& options, const TheirOptions& their_options,
                 int steps = kSteps) {
  expect_same(
      name, [&](const Tensor& p) { return std::make_unique<Ours>(std::vector<Tensor>{p}, options); },
      [&](const torch::Tensor& q) { return std::make_unique<Theirs>(std::vector<torch::Tensor>{q}, their_options); },
      steps);
}

TEST(Libtorch, TakesTheSameStepsOfGradientDescent) {
  using torch::optim::SGDOptions;
  expect_same<SGD, torch::optim::SGD>("plain", {.lr = 0.05}, SGDOptions(0.05));
  expect_same<SGD, torch::optim::SGD>("momentum", {.lr = 0.02, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.1},
                                      SGDOptions(0.02).momentum(0.9).dampening(0.3).weight_decay(0.1));
  expect_same<SGD, torch::optim::SGD>("nesterov", {.lr = 0.02, .momentum = 0.9, .nesterov = true},
                                      SGDOptions(0.02).momentum(0.9).nesterov(true));
}

TEST(Libtorch, TakesTheSameStepsOfAdaptiveRates) {
  using torch::optim::AdagradOptions;
  using torch::optim::RMSpropOptions;
  expect_same<Adagrad, torch::optim::Adagrad>(
      "Adagrad", {.lr = 0.5, .lr_decay = 0.1, .weight_decay = 0.1, .initial_accumulator_value = 0.2, .eps = 1e-3},
      AdagradOptions(0.5).lr_decay(0.1).weight_decay(0.1).initial_accumulator_value(0.2).eps(1e-3));
  expect_same<RMSprop, torch::optim::RMSprop>("RMSprop", {.lr = 0.02}, RMSpropOptions(0.02));
  expect_same<RMSprop, torch::optim::RMSprop>(
      "RMSprop centered",
      {.lr = 0.02, .alpha = 0.9, .eps = 0.1, .weight_decay = 0.1, .momentum = 0.5, .centered = true},
      RMSpropOptions(0.02).alpha(0.9).eps(0.1).weight_decay(0.1).momentum(0.5).centered(true));
}

TEST(Libtorch, TakesTheSameStepsOfAdam) {
  using torch::optim::AdamOptions;
  using torch::optim::AdamWOptions;
  expect_same<Adam, torch::optim::Adam>("Adam", {.lr = 0.1}, AdamOptions(0.1));
  expect_same<Adam, torch::optim::Adam>(
      "Adam amsgrad", {.lr = 0.05, .betas = {0.5, 0.9}, .eps = 1e-3, .weight_decay = 0.2, .amsgrad = true},
      AdamOptions(0.05).betas({0.5, 0.9}).eps(1e-3).weight_decay(0.2).amsgrad(true));
  expect_same<AdamW, torch::optim::AdamW>("AdamW", {.lr = 0.1}, AdamWOptions(0.1));
  expect_same<AdamW, torch::optim::AdamW>("AdamW amsgrad",
                                          {.lr = 0.1, .betas = {0.8, 0.9}, .weight_decay = 0.5, .amsgrad = true},
                                          AdamWOptions(0.1).betas({0.8, 0.9}).weight_decay(0.5).amsgrad(true));
}

TEST(Libtorch, TakesTheSameStepsOfLbfgs) {
  using torch::optim::LBFGSOptions;
  expect_same<LBFGS, torch::optim::LBFGS>("plain", {.lr = 0.2, .max_iter = 2, .history_size = 5},
                                          LBFGSOptions(0.2).max_iter(2).history_size(5), kLbfgsSteps);
  expect_same<LBFGS, torch::optim::LBFGS>(
      "strong Wolfe", {.max_iter = 2, .history_size = 5, .line_search = LineSearch::strong_wolfe},
      LBFGSOptions(1).max_iter(2).history_size(5).line_search_fn("strong_wolfe"), kLbfgsSteps);
}

}  // namespace
}  // namespace dagrad::optim
