// Products of a matrix and a vector. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad::vector_matmul {

/// dst = a b (+ bias), or with `relu` what of it is above 0, for matrices of f32 of which dst has one row or one
/// column. False, and nothing done, where other loops are as fast, or elements do not lie in line. Bound by reading the
/// matrix once; the same bits on any number of threads.
bool run(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu);

/// The sum of a[i] b[i]; the same bits on any number of threads.
float dot_product(const float* a, const float* b, std::int64_t count);

}  // namespace dagrad::vector_matmul
