#include "dagrad/ops/inverse_erf.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace dagrad {

double inverse_erf(double y) {
  const double t = std::fabs(y);
  if (!(t < 1)) return t == 1 ? std::copysign(std::numeric_limits<double>::infinity(), y) : std::nan("");
  // Where 1 - t is exact, the complement keeps the digits that erf loses near 1.
  const bool near_1 = t > 0.5;
  const double rest = 1 - t;
  double x = t * 0.5 / std::numbers::inv_sqrtpi;
  if (near_1) {
    // Of the normal distribution's quantiles, by Hastings' approximation (Abramowitz and Stegun 1964, 26.2.22).
    const double u = std::sqrt(-2 * std::log(rest / 2));
    x = (u - (2.30753 + 0.27061 * u) / (1 + u * (0.99229 + 0.04481 * u))) / std::numbers::sqrt2;
  }
  // Halley's steps, each of which triples the digits: with the error e of erf over its slope, erf'' / erf' is -2 x.
  for (int i = 0; i < 3; ++i) {
    const double slope = 2 * std::numbers::inv_sqrtpi * std::exp(-x * x);
    const double e = (near_1 ? rest - std::erfc(x) : std::erf(x) - t) / slope;
    x -= e / (1 + x * e);
  }
  return std::copysign(x, y);
}

}  // namespace dagrad
