// Trigonometric and hyperbolic functions of each element, in radians (sin and cos are in math.h, tanh in
// elementwise.h). Floating types; NaN outside of a function's domain.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// sin x / cos x.
Tensor tan(const Tensor& x, Location where = Location::current());
/// The angles from -pi/2 to pi/2, from 0 to pi, and from -pi/2 to pi/2 whose sine, cosine, and tangent is x. The
/// gradients of the first two are infinite at -1 and 1.
Tensor asin(const Tensor& x, Location where = Location::current());
Tensor acos(const Tensor& x, Location where = Location::current());
Tensor atan(const Tensor& x, Location where = Location::current());
/// (e^x - e^-x) / 2 and (e^x + e^-x) / 2.
Tensor sinh(const Tensor& x, Location where = Location::current());
Tensor cosh(const Tensor& x, Location where = Location::current());
/// The inverses of sinh, of cosh from 0 on, and of tanh. The gradient of acosh is infinite at 1, that of atanh at -1
/// and 1.
Tensor asinh(const Tensor& x, Location where = Location::current());
Tensor acosh(const Tensor& x, Location where = Location::current());
Tensor atanh(const Tensor& x, Location where = Location::current());

/// The angle of the point (x, y), from -pi to pi, as std::atan2. Its gradient at the origin is 0. Shapes broadcast.
Tensor atan2(const Tensor& y, const Tensor& x, Location where = Location::current());
/// sqrt(a^2 + b^2) without overflow; infinite when either is, even beside NaN. Its gradient at (0, 0) is 0. Shapes
/// broadcast.
Tensor hypot(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor hypot(const Tensor& a, double b, Location where = Location::current());
Tensor hypot(double a, const Tensor& b, Location where = Location::current());

}  // namespace dagrad
