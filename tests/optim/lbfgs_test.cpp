// L-BFGS against the BFGS formula with whole matrices, and its line search against the strong Wolfe conditions.
#include "dagrad/optim/lbfgs.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/extremum.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/optim/strong_wolfe.h"
#include "expect_error.h"
#include "trajectory.h"

namespace dagrad::optim {
namespace {

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;
constexpr std::size_t kSize = 6;

double product(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// H = (I - s y' / ys) H (I - y s' / ys) + s s' / ys for each pair, from ys / yy I of the last one.
Matrix inverse_hessian(const std::vector<std::pair<Vector, Vector>>& pairs) {
  Matrix h(kSize, Vector(kSize, 0));
  const auto& [last_s, last_y] = pairs.back();
  for (std::size_t i = 0; i < kSize; ++i) h[i][i] = product(last_s, last_y) / product(last_y, last_y);
  for (const auto& [s, y] : pairs) {
    const double ys = product(s, y);
    Matrix left(kSize, Vector(kSize)), result(kSize, Vector(kSize));
    for (std::size_t i = 0; i < kSize; ++i)
      for (std::size_t j = 0; j < kSize; ++j) {
        left[i][j] = h[i][j];
        for (std::size_t k = 0; k < kSize; ++k) left[i][j] -= s[i] * y[k] / ys * h[k][j];
      }
    for (std::size_t i = 0; i < kSize; ++i)
      for (std::size_t j = 0; j < kSize; ++j) {
        result[i][j] = left[i][j] + s[i] * s[j] / ys;
        for (std::size_t k = 0; k < kSize; ++k) result[i][j] -= left[i][k] * y[k] * s[j] / ys;
      }
    h = result;
  }
  return h;
}

/// Of a convex function, on which rounding errors do not grow.
Vector gradient_at(const Vector& p) {
  Vector g(kSize);
  for (std::size_t i = 0; i < kSize; ++i) g[i] = (2 + static_cast<double>(i)) * p[i] - std::sin(p[i]);
  return g;
}

TEST(LBFGS, FollowsTheFormulaWithWholeMatrices) {
  constexpr std::size_t kHistory = 4;
  for (const bool maximize : {false, true}) {
    Vector expected(kSize), before_g;
    for (std::size_t i = 0; i < kSize; ++i) expected[i] = start_of(i);
    Tensor p = tensor(expected, {static_cast<std::int64_t>(kSize)}).requires_grad_();
    LBFGS optimizer({p}, {.lr = 0.1,
                          .max_iter = 1,
                          .tolerance_grad = 0,
                          .tolerance_change = 0,
                          .history_size = kHistory,
                          .maximize = maximize});
    std::vector<std::pair<Vector, Vector>> pairs;
    Vector step(kSize);
    for (int t = 1; t <= 100; ++t) {
      optimizer.step([&] {
        const Vector g = gradient_at(p.to_vector<double>());
        Tensor gradient = tensor(g, p.shape());
        if (maximize) gradient = gradient * -1;
        p.set_grad(gradient);
        return scalar(1, f64);
      });
      const Vector g = gradient_at(expected);
      if (t == 1) {
        double sum = 0;
        for (const double x : g) sum += std::abs(x);
        for (std::size_t i = 0; i < kSize; ++i) step[i] = -0.1 * std::min(1.0, 1 / sum) * g[i];
      } else {
        Vector y(kSize);
        for (std::size_t i = 0; i < kSize; ++i) y[i] = g[i] - before_g[i];
        if (product(step, y) > 1e-10) pairs.emplace_back(step, y);
        if (pairs.size() > kHistory) pairs.erase(pairs.begin());
        const Matrix h = inverse_hessian(pairs);
        for (std::size_t i = 0; i < kSize; ++i) step[i] = -0.1 * product(h[i], g);
      }
      before_g = g;
      for (std::size_t i = 0; i < kSize; ++i) {
        expected[i] += step[i];
        ASSERT_NEAR(p.data<double>()[i], expected[i], 1e-12 * std::max(1.0, std::abs(expected[i]))) << "step " << t;
      }
    }
  }
}

/// Where `steps` steps lead from the usual start, and after how many evaluations.
std::pair<Vector, std::int64_t> descend(const LbfgsOptions& options, int steps) {
  Vector start(kSize);
  for (std::size_t i = 0; i < kSize; ++i) start[i] = start_of(i);
  const Tensor p = tensor(start, {static_cast<std::int64_t>(kSize)}).requires_grad_();
  LBFGS optimizer({p}, options);
  for (int i = 0; i < steps; ++i) {
    optimizer.step([&] {
      const Vector at = p.to_vector<double>();
      p.set_grad(tensor(gradient_at(at), p.shape()));
      double loss = 0;
      for (std::size_t k = 0; k < kSize; ++k)
        loss += (2 + static_cast<double>(k)) / 2 * at[k] * at[k] + std::cos(at[k]);
      return scalar(loss, f64);
    });
  }
  return {p.to_vector<double>(), optimizer.evaluations()};
}

TEST(LBFGS, GoesInOneStepOfSeveralIterationsWhereItGoesInAsManySteps) {
  LbfgsOptions options{.lr = 0.1, .max_iter = 1, .tolerance_grad = 0, .tolerance_change = 0, .history_size = 5};
  const Vector single = descend(options, 100).first;
  options.max_iter = 4;
  const auto [several, evaluations] = descend(options, 25);
  EXPECT_EQ(evaluations, 100);
  for (std::size_t i = 0; i < kSize; ++i) EXPECT_NEAR(several[i], single[i], 1e-12);
}

TEST(LBFGS, EndsAStepWhereItsOptionsSay) {
  const Vector start = descend({}, 0).first;
  EXPECT_EQ(descend({.lr = 0.1, .max_iter = 7, .tolerance_grad = 0, .tolerance_change = 0}, 1).second, 7);
  EXPECT_EQ(descend({.lr = 0.1, .max_iter = 100, .max_eval = 3, .tolerance_grad = 0, .tolerance_change = 0}, 1).second,
            3);
  const auto [at_once, one] = descend({.tolerance_grad = 1e9}, 1);
  EXPECT_EQ(one, 1);
  EXPECT_EQ(at_once, start);
  // It stops at the first point whose gradient is small enough, or whose loss is hardly lower than the one before.
  for (const double tolerance : {1e-2, 1e-5}) {
    const auto [end, evaluations] = descend({.max_iter = 100, .tolerance_grad = tolerance, .tolerance_change = 0}, 1);
    double largest = 0;
    for (const double g : gradient_at(end)) largest = std::max(largest, std::abs(g));
    EXPECT_LE(largest, tolerance);
    EXPECT_LT(evaluations, 50);
  }
  const std::int64_t rough = descend({.max_iter = 100, .tolerance_grad = 0, .tolerance_change = 1e-2}, 1).second,
                     fine = descend({.max_iter = 100, .tolerance_grad = 0, .tolerance_change = 1e-9}, 1).second;
  EXPECT_GT(rough, 1);
  EXPECT_LT(rough, fine);
  EXPECT_LT(fine, 100);
}

/// (1 - x)^2 + 100 (y - x^2)^2, from (-1.2, 1).
Tensor rosenbrock(const Tensor& x, const Tensor& y) { return (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x); }

TEST(LBFGS, SolvesRosenbrockWithTheLineSearch) {
  const Tensor x = scalar(-1.2, f64).requires_grad_(), y = scalar(1, f64).requires_grad_();
  LBFGS optimizer({x, y}, {.max_iter = 100, .tolerance_change = 1e-15, .line_search = LineSearch::strong_wolfe});
  const Tensor first = optimizer.step([&] {
    optimizer.zero_grad();
    Tensor loss = rosenbrock(x, y);
    loss.backward();
    return loss;
  });
  EXPECT_NEAR(first.item<double>(), 24.2, 1e-12);
  EXPECT_NEAR(x.item<double>(), 1, 1e-6);
  EXPECT_NEAR(y.item<double>(), 1, 1e-6);
  EXPECT_LT(optimizer.evaluations(), 100);
}

TEST(LBFGS, SolvesQuadraticsOfAnyCondition) {
  for (const double condition : {1.0, 1e2, 1e4, 1e6}) {
    Vector curvatures(20);
    for (std::size_t i = 0; i < 20; ++i) curvatures[i] = std::pow(condition, static_cast<double>(i) / 19);
    const Tensor c = tensor(curvatures, {20}), p = ones({20}, f64).requires_grad_();
    LBFGS optimizer(
        {p}, {.max_iter = 300, .max_eval = 1000, .tolerance_change = 0, .line_search = LineSearch::strong_wolfe});
    optimizer.step([&] {
      optimizer.zero_grad();
      Tensor loss = sum(c * p * p) / 2;
      loss.backward();
      return loss;
    });
    EXPECT_LE(max(p.grad() * p.grad()).item<double>(), 1e-14) << "condition " << condition;
    EXPECT_LT(optimizer.evaluations(), 200) << "condition " << condition;
  }
}

TEST(LBFGS, PutsParametersBackWhenTheClosureThrows) {
  const Tensor p = tensor({1, 2}, f64).requires_grad_();
  LBFGS optimizer({p});
  int calls = 0;
  const auto closure = [&] {
    if (++calls == 3) throw UsageError("no more");
    optimizer.zero_grad();
    Tensor loss = sum(p * p * p * p);
    loss.backward();
    return loss;
  };
  EXPECT_THROW(optimizer.step(closure), UsageError);
  EXPECT_EQ(p.to_vector<double>(), (Vector{1, 2}));
  expect_error<UsageError>([&] { optimizer.step(); },
                           "LBFGS: step() without a closure (want step(closure): it evaluates the loss several times)");
}

TEST(StrongWolfe, FindsPointsThatFulfilBothConditions) {
  const std::vector<std::function<std::pair<double, double>(double)>> functions = {
      [](double t) {
        return std::pair{(t - 3) * (t - 3), 2 * (t - 3)};
      },
      [](double t) {
        return std::pair{-t / (t * t + 2), (t * t - 2) / ((t * t + 2) * (t * t + 2))};
      },
      [](double t) {
        return std::pair{std::exp(t) - 5 * t, std::exp(t) - 5};
      },
      [](double t) {
        return std::pair{-std::sin(t) + 0.1 * t, -std::cos(t) + 0.1};
      },
  };
  for (std::size_t k = 0; k < functions.size(); ++k) {
    for (const double first : {1e-3, 0.1, 1.0, 10.0, 100.0}) {
      const auto at = [&](double t) {
        const auto [loss, slope] = functions[k](t);
        return LinePoint{t, loss, slope, {slope}};
      };
      const LinePoint start = at(0), found = strong_wolfe(at, start, first, 1, {});
      EXPECT_LE(found.loss, start.loss + 1e-4 * found.t * start.slope) << k << " from " << first;
      EXPECT_LE(std::abs(found.slope), 0.9 * std::abs(start.slope)) << k << " from " << first;
    }
  }
}

TEST(StrongWolfe, ShortensAStepThatLeadsToNaN) {
  const auto at = [](double t) { return LinePoint{t, -std::log(1 - t) - 3 * t, 1 / (1 - t) - 3, {}}; };
  const LinePoint found = strong_wolfe(at, at(0), 5, 1, {});
  EXPECT_LT(found.t, 1);
  EXPECT_LT(found.loss, 0);
}

}  // namespace
}  // namespace dagrad::optim
