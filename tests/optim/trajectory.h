// Runs an optimizer beside its formula, evaluated number by number.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/optim/optimizer.h"

namespace dagrad::optim {

/// The formula for one number, whose state a closure keeps: the new parameter from (parameter, gradient, t = 1, 2,
/// ...).
using Formula = std::function<double(double p, double g, int t)>;

/// 37 numbers, for whole vectors and a rest: f(p) = sum of c p^2 / 2 + cos(p), whose gradient is c p - sin(p).
inline constexpr std::size_t kNumbers = 37;
inline double start_of(std::size_t i) { return 4 * std::sin(1.0 + 2.3 * static_cast<double>(i)); }
inline double gradient_of(std::size_t i, double p) {
  return std::pow(10, static_cast<double>(i % 5) / 2 - 1) * p - std::sin(p);
}

struct Trajectory {
  std::string name;
  std::function<std::unique_ptr<Optimizer>(const std::vector<Tensor>&)> make;
  std::function<Formula()> formula;
  bool maximize = false;  ///< the optimizer is given the gradient of -f, and has to go the same way
};

/// An O with these options beside `formula(options)`, which makes a Formula with a fresh state.
template <class O, class MakeFormula>
Trajectory trajectory(const std::string& name, const typename O::Options& options, const MakeFormula& formula) {
  return {name, [options](const std::vector<Tensor>& p) { return std::make_unique<O>(p, options); },
          [options, formula] { return Formula(formula(options)); }, options.maximize};
}

/// 100 steps in f64 within 1e-12 of the formula (relative where numbers are larger than 1).
inline void expect_follows(const Trajectory& t) {
  Tensor p = empty({static_cast<std::int64_t>(kNumbers)}, f64);
  std::vector<double> expected(kNumbers);
  std::vector<Formula> formulas;
  for (std::size_t i = 0; i < kNumbers; ++i) {
    expected[i] = p.mutable_data<double>()[i] = start_of(i);
    formulas.push_back(t.formula());
  }
  p.requires_grad_();
  const auto optimizer = t.make({p});
  for (int step = 1; step <= 100; ++step) {
    Tensor gradient = empty_like(p);
    for (std::size_t i = 0; i < kNumbers; ++i)
      gradient.mutable_data<double>()[i] = (t.maximize ? -1 : 1) * gradient_of(i, p.data<double>()[i]);
    p.set_grad(gradient);
    optimizer->step();
    for (std::size_t i = 0; i < kNumbers; ++i) {
      expected[i] = formulas[i](expected[i], gradient_of(i, expected[i]), step);
      ASSERT_NEAR(p.data<double>()[i], expected[i], 1e-12 * std::max(1.0, std::abs(expected[i])))
          << t.name << " at step " << step << ", number " << i;
    }
  }
}

}  // namespace dagrad::optim
