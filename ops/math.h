// More functions of each element, and of pairs of them. Shapes broadcast; element types must agree.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// |x|; its gradient at 0 is 0.
Tensor abs(const Tensor& x, Location where = Location::current());
/// -1, 0 or 1; NaN stays NaN. Its gradient is 0.
Tensor sign(const Tensor& x, Location where = Location::current());
/// e^x - 1 and log(1 + x), exact near 0.
Tensor expm1(const Tensor& x, Location where = Location::current());
Tensor log1p(const Tensor& x, Location where = Location::current());
/// The logarithm to base 2.
Tensor log2(const Tensor& x, Location where = Location::current());
/// 1 / sqrt(x) and 1 / x.
Tensor rsqrt(const Tensor& x, Location where = Location::current());
Tensor reciprocal(const Tensor& x, Location where = Location::current());
Tensor sin(const Tensor& x, Location where = Location::current());
Tensor cos(const Tensor& x, Location where = Location::current());
/// The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.
Tensor erf(const Tensor& x, Location where = Location::current());
/// Rounding down, up, to the nearest (halves to even) and towards 0. Their gradients are 0.
Tensor floor(const Tensor& x, Location where = Location::current());
Tensor ceil(const Tensor& x, Location where = Location::current());
Tensor round(const Tensor& x, Location where = Location::current());
Tensor trunc(const Tensor& x, Location where = Location::current());

/// x^y. With a number: the gradient of x^0 is 0, also at 0. With a tensor, or a number in place of x: the gradient of
/// the exponent is 0 where x is 0.
Tensor pow(const Tensor& x, double y, Location where = Location::current());
Tensor pow(double x, const Tensor& y, Location where = Location::current());
Tensor pow(const Tensor& x, const Tensor& y, Location where = Location::current());

/// The larger and the smaller of two; NaN when either is. Where they are equal each gets half of the gradient.
Tensor maximum(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor maximum(const Tensor& a, double b, Location where = Location::current());
Tensor maximum(double a, const Tensor& b, Location where = Location::current());
Tensor minimum(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor minimum(const Tensor& a, double b, Location where = Location::current());
Tensor minimum(double a, const Tensor& b, Location where = Location::current());

/// What is left of a when b is taken off as often as it fits: fmod has the sign of a (as in C), remainder that of b (as
/// in Python). Floating types, and i64, where a b of 0 is a UsageError; else the remainder of 0, and of an infinite a,
/// is NaN. The gradient of b is minus the number of times, which is taken for constant.
Tensor fmod(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor fmod(const Tensor& a, double b, Location where = Location::current());
Tensor fmod(double a, const Tensor& b, Location where = Location::current());
Tensor remainder(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor remainder(const Tensor& a, double b, Location where = Location::current());
Tensor remainder(double a, const Tensor& b, Location where = Location::current());

/// x held to [low, high], either of which may be infinite; the gradient passes where low <= x <= high. Also i64, to
/// whole numbers (else DTypeError). Throws UsageError when low > high.
Tensor clamp(const Tensor& x, double low, double high, Location where = Location::current());
/// clamp(x, low, infinity) and clamp(x, -infinity, high). Throw UsageError for a bound that is NaN.
Tensor clamp_min(const Tensor& x, double low, Location where = Location::current());
Tensor clamp_max(const Tensor& x, double high, Location where = Location::current());

/// condition ? a : b, for a boolean condition. The branch that is not taken gets a gradient of exactly 0, even where
/// its own derivative is NaN or infinite.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b, Location at = Location::current());
Tensor where(const Tensor& condition, const Tensor& a, double b, Location at = Location::current());
Tensor where(const Tensor& condition, double a, const Tensor& b, Location at = Location::current());
/// `value` where mask is true, else x.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value, Location at = Location::current());

/// Whether an element is NaN, infinite, neither. Boolean.
Tensor isnan(const Tensor& x, Location where = Location::current());
Tensor isinf(const Tensor& x, Location where = Location::current());
Tensor isfinite(const Tensor& x, Location where = Location::current());

/// and, or, exclusive or, not, of booleans.
Tensor logical_and(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor logical_or(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor logical_xor(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor logical_not(const Tensor& x, Location where = Location::current());

/// a + weight (b - a). Shapes broadcast.
Tensor lerp(const Tensor& a, const Tensor& b, double weight, Location where = Location::current());
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight, Location where = Location::current());
/// x + value a b, and x + value a / b. Shapes broadcast.
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, double value = 1,
               Location where = Location::current());
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, double value = 1,
               Location where = Location::current());

}  // namespace dagrad
