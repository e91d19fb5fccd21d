// Products of matrices of which one is narrow. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/tensor.h"

namespace dagrad::narrow_matmul {

/// dst = a b (+ bias), or with `relu` what of it is above 0, for matrices a and b of one type, f32 or bf16, and dst of
/// that type or f32, where a has few rows or b few columns. False, and nothing done, where a primitive is faster, or
/// takes what these loops do not. The same bits on any number of threads.
bool run(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu);

/// The sum of a[i] b[i], over blocks whose sums are added up in f64; the same bits on any number of threads.
float dot(const float* a, const float* b, std::int64_t count);

}  // namespace dagrad::narrow_matmul
