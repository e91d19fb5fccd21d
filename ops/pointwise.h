// The kernels of the elementwise ops. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/tensor.h"

namespace dagrad::pointwise {

// clang-format off
/// Functions of one element. Their formulas stand in pointwise-inl.h.
enum class Unary : std::uint8_t {
  neg, abs, sign, exp, expm1, log, log1p, log2, sqrt, rsqrt, reciprocal, square, sin, cos, tanh, sigmoid, erf, pow,
  relu, leaky_relu, elu, gelu, gelu_tanh, silu, mish, softplus, log_sigmoid, hard_sigmoid, hard_swish, clamp,
  floor, ceil, round, trunc
};

/// Functions of two elements; in a `_backward`, a is diff_dst and b what the forward kept.
enum class Binary : std::uint8_t {
  add, sub, mul, div, maximum, minimum, pow,
  tanh_backward, sigmoid_backward, relu_backward, sqrt_backward, square_backward,
  leaky_relu_backward, elu_backward, gelu_backward, gelu_tanh_backward, silu_backward, mish_backward, softplus_backward,
  log_sigmoid_backward, hard_sigmoid_backward, hard_swish_backward, clamp_backward
};

// clang-format on
/// The numbers in a formula, where it has any: a slope, a bound, an exponent.
struct Numbers {
  double a = 0;
  double b = 0;
};

/// From so many elements a thread on (8 MiB of f32) a binary function's result is written past the caches: with two
/// operands of that size there is nothing of it left in them when somebody reads it. bench_ops, add/large, one thread:
/// the sum of 4,194,304 elements takes 2.1 ms instead of 2.6.
inline constexpr std::int64_t kStreamedFrom = 2 << 20;

/// dst = f(src). Floating types (neg, abs, sign and square also i64). Equal shapes; dst is row-major and may
/// be src.
void unary(Unary f, const Tensor& src, Tensor& dst, Numbers numbers = {});

/// dst = f(a, b), with a and b broadcast to dst's shape. Floating types (add, sub, mul, maximum and minimum also i64);
/// dst is row-major.
void binary(Binary f, const Tensor& a, const Tensor& b, Tensor& dst, Numbers numbers = {});

}  // namespace dagrad::pointwise
