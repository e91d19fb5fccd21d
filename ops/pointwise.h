// The kernels of the elementwise ops. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/tensor.h"

namespace dagrad::pointwise {

// clang-format off
/// Functions of one element. Their formulas stand in pointwise-inl.h.
enum class Unary : std::uint8_t {
  neg, abs, sign, exp, exp2, expm1, log, log10, log1p, log2, logit, sqrt, rsqrt, reciprocal, square, sin, cos, tan, asin,
  acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, sigmoid, erf, erfc, erfinv, pow, number_pow,
  add_number, number_sub, mul_number, div_number, number_div,
  relu, leaky_relu, elu, gelu, gelu_tanh, silu, mish, softplus, log_sigmoid, hard_sigmoid, hard_swish, clamp,
  floor, ceil, round, trunc
};

/// Functions of two elements; in a `_backward`, a is diff_dst and b what the forward kept.
enum class Binary : std::uint8_t {
  add, sub, mul, div, mul_unless_zero, maximum, minimum, pow, fmod, remainder, atan2, hypot, logaddexp,
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

/// From so many elements a thread on (8 MiB of f32) results are written past the caches, which have nothing left of
/// them when somebody reads them, and so without reading first what is overwritten. bench_ops, 4,194,304 elements, time
/// of one thread: add 3.3 -> 1.7 ms, mul 3.4 -> 1.7, tanh_backward 2.8 -> 1.8.
inline constexpr std::int64_t kStreamedFrom = 2 << 20;

/// dst = f(src). Floating types (neg, abs, sign, square, clamp, add_number, number_sub and mul_number also i64). Equal
/// shapes; dst is row-major and may be src.
void unary(Unary f, const Tensor& src, Tensor& dst, Numbers numbers = {});

/// dst = f(a, b), with a and b broadcast to dst's shape. Floating types (add, sub, mul, maximum, minimum, fmod and
/// remainder also i64, where b must not be 0 in the last two); dst is row-major.
void binary(Binary f, const Tensor& a, const Tensor& b, Tensor& dst, Numbers numbers = {});
/// The same with a number, in the tensor's type, for one of the two.
void binary(Binary f, const Tensor& a, double b, Tensor& dst);
void binary(Binary f, double a, const Tensor& b, Tensor& dst);

}  // namespace dagrad::pointwise
