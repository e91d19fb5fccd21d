// Where the largest or smallest elements of runs of memory stand first; NaN is before any. Internal.
#pragma once

#include <cstdint>

namespace dagrad::first_best {

enum class Order : std::uint8_t { largest, smallest };

/// For each column j: where an element x[i * stride + j] of the rows i is better than best[j] and all before it,
/// best[j] becomes that and place[j] becomes i.
void columns(Order order, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count, float* best,
             std::int32_t* place);

/// Where in x the number `best`, or a NaN, stands first; one of them has to be there.
std::int64_t place_of(const float* x, std::int64_t count, float best);

}  // namespace dagrad::first_best
