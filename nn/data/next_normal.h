// Single draws from the normal distribution. Internal.
#pragma once

#include <cmath>
#include <numbers>

#include "dagrad/core/random.h"

namespace dagrad::data {

/// One draw from N(0, 1), by Box and Muller's transform.
inline double next_normal(Generator& generator) {
  const double radius = std::sqrt(-2 * std::log1p(-generator.next_uniform()));
  return radius * std::cos(2 * std::numbers::pi * generator.next_uniform());
}

}  // namespace dagrad::data
