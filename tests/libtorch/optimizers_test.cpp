// A hundred steps of each optimizer that libtorch has, with its options, side by side.
#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>
#include <torch/optim.h>

#include "dagrad/core/creation.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
#include "libtorch/bridge.h"

namespace dagrad::libtorch {
namespace {

/// tanh(x w1 + b1) w2 against y: not convex, with parameters of several shapes.
struct Problem {
  explicit Problem(DType dtype) {
    manual_seed(11);
    x = randn({12, 5}, dtype);
    y = randn({12, 3}, dtype);
    for (const Shape& shape : {Shape{5, 7}, Shape{7}, Shape{7, 3}}) {
      parameters.push_back(mul(randn(shape, dtype), 0.5).requires_grad_());
      theirs.push_back(to_torch(parameters.back().detach()).requires_grad_());
    }
    their_x = to_torch(x);
    their_y = to_torch(y);
  }

  Tensor loss() const { return mse_loss(matmul(tanh(matmul(x, parameters[0]) + parameters[1]), parameters[2]), y); }
  at::Tensor their_loss() const {
    return at::mse_loss(at::matmul(at::tanh(at::matmul(their_x, theirs[0]) + theirs[1]), theirs[2]), their_y);
  }
  /// The largest difference, relative to the largest parameter.
  double apart() const {
    double result = 0;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      const at::Tensor ours = to_torch(parameters[i].detach()).to(at::kDouble),
                       want = theirs[i].detach().to(at::kDouble);
      result = std::max(result, ((ours - want).abs().max() / want.abs().max()).item<double>());
    }
    return result;
  }

  Tensor x, y;
  std::vector<Tensor> parameters;
  at::Tensor their_x, their_y;
  std::vector<at::Tensor> theirs;
};

// Roundings of a step are passed on by the next, which here neither shrinks nor blows them up much.
constexpr double kF64 = 1e-9, kF32 = 1e-3;

/// 100 steps of each from the same start, apart by no more than `bound` at every step.
template <class Ours, class Theirs>
void expect_same_path(const std::function<Ours(const std::vector<Tensor>&)>& make_ours,
                      const std::function<Theirs(std::vector<at::Tensor>)>& make_theirs, DType dtype, double bound) {
  Problem problem(dtype);
  Ours ours = make_ours(problem.parameters);
  Theirs theirs = make_theirs(problem.theirs);
  const double first_loss = problem.loss().template item<double>();
  for (int step = 1; step <= 100; ++step) {
    ours.step([&] {
      ours.zero_grad();
      Tensor loss = problem.loss();
      loss.backward();
      return loss;
    });
    theirs.step([&] {
      theirs.zero_grad();
      at::Tensor loss = problem.their_loss();
      loss.backward();
      return loss;
    });
    ASSERT_LE(problem.apart(), bound) << "after step " << step;
  }
  EXPECT_LT(problem.loss().template item<double>(), 0.95 * first_loss) << "nothing was learnt";
}

template <class Ours, class Theirs, class OurOptions, class TheirOptions>
void expect_same(const OurOptions& ours, const TheirOptions& theirs) {
  for (const auto& [dtype, bound] : {std::pair{f64, kF64}, {f32, kF32}}) {
    expect_same_path<Ours, Theirs>([&](const std::vector<Tensor>& p) { return Ours(p, ours); },
                                   [&](std::vector<at::Tensor> p) { return Theirs(std::move(p), theirs); }, dtype,
                                   bound);
  }
}

namespace to = torch::optim;

TEST(OptimizersOfLibtorch, SGDTakesTheSamePath) {
  expect_same<optim::SGD, to::SGD>(optim::SgdOptions{.lr = 0.1}, to::SGDOptions(0.1));
  expect_same<optim::SGD, to::SGD>(
      optim::SgdOptions{.lr = 0.05, .momentum = 0.9, .dampening = 0.2, .weight_decay = 0.01},
      to::SGDOptions(0.05).momentum(0.9).dampening(0.2).weight_decay(0.01));
  expect_same<optim::SGD, to::SGD>(optim::SgdOptions{.lr = 0.02, .momentum = 0.9, .nesterov = true},
                                   to::SGDOptions(0.02).momentum(0.9).nesterov(true));
}

TEST(OptimizersOfLibtorch, AdagradTakesTheSamePath) {
  expect_same<optim::Adagrad, to::Adagrad>(optim::AdagradOptions{.lr = 0.05}, to::AdagradOptions(0.05));
  expect_same<optim::Adagrad, to::Adagrad>(
      optim::AdagradOptions{
          .lr = 0.1, .lr_decay = 0.01, .weight_decay = 0.02, .initial_accumulator_value = 0.1, .eps = 1e-6},
      to::AdagradOptions(0.1).lr_decay(0.01).weight_decay(0.02).initial_accumulator_value(0.1).eps(1e-6));
}

TEST(OptimizersOfLibtorch, RMSpropTakesTheSamePath) {
  // At the rate of 0.01 that is its default the path is chaotic here: starts 2e-16 apart are 2e-4 apart after 100
  // steps.
  expect_same<optim::RMSprop, to::RMSprop>(optim::RmspropOptions{.lr = 3e-3}, to::RMSpropOptions(3e-3));
  expect_same<optim::RMSprop, to::RMSprop>(
      optim::RmspropOptions{
          .lr = 2e-3, .alpha = 0.9, .eps = 1e-6, .weight_decay = 0.01, .momentum = 0.5, .centered = true},
      to::RMSpropOptions(2e-3).alpha(0.9).eps(1e-6).weight_decay(0.01).momentum(0.5).centered(true));
}

TEST(OptimizersOfLibtorch, AdamTakesTheSamePath) {
  expect_same<optim::Adam, to::Adam>(optim::AdamOptions{.lr = 0.01}, to::AdamOptions(0.01));
  expect_same<optim::Adam, to::Adam>(
      optim::AdamOptions{.lr = 0.02, .betas = {0.8, 0.95}, .eps = 1e-6, .weight_decay = 0.01, .amsgrad = true},
      to::AdamOptions(0.02).betas({0.8, 0.95}).eps(1e-6).weight_decay(0.01).amsgrad(true));
}

TEST(OptimizersOfLibtorch, AdamWTakesTheSamePath) {
  expect_same<optim::AdamW, to::AdamW>(optim::AdamwOptions{.lr = 0.01}, to::AdamWOptions(0.01));
  expect_same<optim::AdamW, to::AdamW>(
      optim::AdamwOptions{.lr = 0.02, .betas = {0.8, 0.95}, .eps = 1e-6, .weight_decay = 0.1, .amsgrad = true},
      to::AdamWOptions(0.02).betas({0.8, 0.95}).eps(1e-6).weight_decay(0.1).amsgrad(true));
}

/// Steps of LBFGS go far, and its directions are quotients of small differences: a few steps, and a wider bound.
void expect_same_lbfgs(const optim::LbfgsOptions& ours, const to::LBFGSOptions& theirs, int steps, double bound) {
  Problem problem(f64);
  optim::LBFGS our_optimizer(problem.parameters, ours);
  to::LBFGS their_optimizer(problem.theirs, theirs);
  for (int step = 1; step <= steps; ++step) {
    our_optimizer.step([&] {
      our_optimizer.zero_grad();
      Tensor loss = problem.loss();
      loss.backward();
      return loss;
    });
    their_optimizer.step([&] {
      their_optimizer.zero_grad();
      at::Tensor loss = problem.their_loss();
      loss.backward();
      return loss;
    });
    ASSERT_LE(problem.apart(), bound) << "after step " << step;
  }
}

TEST(OptimizersOfLibtorch, LBFGSTakesTheSamePath) {
  expect_same_lbfgs({.lr = 0.1, .max_iter = 1, .history_size = 5}, to::LBFGSOptions(0.1).max_iter(1).history_size(5),
                    100, 1e-6);
  expect_same_lbfgs({.lr = 0.5, .max_iter = 4, .history_size = 7}, to::LBFGSOptions(0.5).max_iter(4).history_size(7), 5,
                    1e-6);
  expect_same_lbfgs({.max_iter = 5, .line_search = optim::LineSearch::strong_wolfe},
                    to::LBFGSOptions(1).max_iter(5).line_search_fn("strong_wolfe"), 4, 1e-6);
}

}  // namespace
}  // namespace dagrad::libtorch
