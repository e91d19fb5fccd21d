// Comparing arrays within a bound on rounding errors, see Note [Bounds by roundings] in op_table.h.
#pragma once

#include <gtest/gtest.h>

#include "op_table/array.h"

namespace dagrad::op_table {

/// How far results may be off.
struct Bound {
  double roundings = 0;  // of terms, each by u
  double u = 0x1p-24;
  double last = 0;     // one more rounding of the result by so much,
  double between = 0;  // and of the terms
};

/// Bounds for values computed in `dtype` by way of so many roundings, and in bf16 of so many to bf16 on the way.
Bound bound_for(DType dtype, double roundings, double bf16_roundings = 0);

/// Whether every element of `got` is within the bound of `want`; `terms` of the same shape, or null for |want|. Equal
/// infinities and NaN in the same places agree.
::testing::AssertionResult close(const Array& got, const Array& want, const Array* terms, const Bound& bound);
/// Whether they are equal, NaN being equal to NaN.
::testing::AssertionResult same(const Array& got, const Array& want);

}  // namespace dagrad::op_table
