// The kernels of the elementwise ops. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/tensor.h"

namespace dagrad::pointwise {

/// Functions of one element. Their formulas stand in pointwise-inl.h.
enum class Unary : std::uint8_t { neg, exp, log, sqrt, square, tanh, sigmoid, relu };

/// Functions of two elements; in a `_backward`, a is diff_dst and b what the forward kept.
enum class Binary : std::uint8_t { add, sub, mul, div, tanh_backward, sigmoid_backward, relu_backward, sqrt_backward };

/// dst = f(src). Floating types (neg and square also i64). Equal shapes; dst is row-major.
void unary(Unary f, const Tensor& src, Tensor& dst);

/// dst = f(a, b), with a and b broadcast to dst's shape. Floating types (add, sub, mul also i64); dst is row-major.
void binary(Binary f, const Tensor& a, const Tensor& b, Tensor& dst);

}  // namespace dagrad::pointwise
