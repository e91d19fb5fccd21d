// A line search for the strong Wolfe conditions. Internal.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace dagrad::optim {

/// The function along a line: its value and its whole gradient at length t, and the slope.
struct LinePoint {
  double t = 0;
  double loss = 0;
  double slope = 0;
  std::vector<double> gradient;
};

struct WolfeOptions {
  double decrease = 1e-4;   // f(t) <= f(0) + decrease t f'(0)
  double curvature = 0.9;   // |f'(t)| <= curvature |f'(0)|
  double tolerance = 1e-9;  // ends when the bracket moves no element by more
  std::int64_t max_evaluations = 25;
};

/// A point that fulfils both conditions, or the lowest found. `largest_step` is the largest |element| of the direction.
LinePoint strong_wolfe(const std::function<LinePoint(double t)>& evaluate, const LinePoint& start, double first_t,
                       double largest_step, const WolfeOptions& options);

}  // namespace dagrad::optim
