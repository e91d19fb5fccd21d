// Sorting and selecting in rows. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad::order {

/// Places first, first + 1, ... first + count - 1 of the sorted order.
struct Want {
  std::int64_t first = 0;
  std::int64_t count = 0;
  bool descending = false;
};

/// Of each row of `src` (along its last axis; row-major, any type) the elements at the places wanted, and their
/// positions in the row. Stable; a NaN counts as larger than any number, -0 as equal to 0.
void order_rows(const Want& want, const Tensor& src, Tensor& values, Tensor& indices);

/// Of each row of `length` elements the lower one of the two in the middle, or NaN when there is one.
void median_rows(const Tensor& src, std::int64_t length, Tensor& dst);

}  // namespace dagrad::order
