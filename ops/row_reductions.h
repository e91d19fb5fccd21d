// Reductions of rows that lie in line. Internal.
#pragma once

#include <cstdint>

namespace dagrad::rows {

/// The sum of `count` elements. Blocks of 4096 are summed in f32, and the blocks' sums in f64, so that a result is
/// rounded at most 263 times whatever the count, and does not depend on the number of threads.
float sum(const float* x, std::int64_t count);
double sum(const double* x, std::int64_t count);
std::int64_t sum(const std::int64_t* x, std::int64_t count);

/// The largest of `count` > 0 elements; NaN when there is one.
float max(const float* x, std::int64_t count);
double max(const double* x, std::int64_t count);
std::int64_t max(const std::int64_t* x, std::int64_t count);

}  // namespace dagrad::rows
