// Products of a matrix and a vector. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad::vector_matmul {

/// dst = a b, for matrices of f32 of which dst has one row or one column, where the matrix among them lies by its
/// columns (of a product with a vector on the right) or rows (on the left): these are added up, in one pass over it.
/// False, and nothing done, where it lies otherwise or is small. The same bits on any number of threads.
bool run(const Tensor& a, const Tensor& b, Tensor& dst);

/// The sum of a[i] b[i]; the same bits on any number of threads.
float dot_product(const float* a, const float* b, std::int64_t count);

}  // namespace dagrad::vector_matmul
