// Sums of powers of elements, vectorised. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/dtype.h"

namespace dagrad::optim {

/// The sum of |x|^p over `count` elements in double, for p = infinity the largest |x|; NaN where one is NaN.
double sum_powers(const float* x, std::int64_t count, double p);
double sum_powers(const double* x, std::int64_t count, double p);
double sum_powers(const BFloat16* x, std::int64_t count, double p);

}  // namespace dagrad::optim
