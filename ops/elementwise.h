// Elementwise ops. Shapes broadcast as in NumPy; element types must agree.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// a + b, a - b, a * b, a / b. Floating types and i64 (division: floating only). Throws ShapeError, DTypeError.
Tensor add(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor sub(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor mul(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor div(const Tensor& a, const Tensor& b, Location where = Location::current());

/// The same with a number on either side, which takes the tensor's element type.
Tensor add(const Tensor& a, double b, Location where = Location::current());
Tensor sub(const Tensor& a, double b, Location where = Location::current());
Tensor sub(double a, const Tensor& b, Location where = Location::current());
Tensor mul(const Tensor& a, double b, Location where = Location::current());
Tensor div(const Tensor& a, double b, Location where = Location::current());
Tensor div(double a, const Tensor& b, Location where = Location::current());

/// -x.
Tensor neg(const Tensor& x, Location where = Location::current());
/// e^x.
Tensor exp(const Tensor& x, Location where = Location::current());
/// The natural logarithm: -inf at 0, NaN below.
Tensor log(const Tensor& x, Location where = Location::current());
/// The square root; its gradient at 0 is 0 where nothing flows in, else infinite.
Tensor sqrt(const Tensor& x, Location where = Location::current());
/// x^2.
Tensor square(const Tensor& x, Location where = Location::current());
/// The hyperbolic tangent.
Tensor tanh(const Tensor& x, Location where = Location::current());
/// 1 / (1 + e^-x).
Tensor sigmoid(const Tensor& x, Location where = Location::current());
/// max(x, 0); its gradient at 0 is 0. NaN stays NaN.
Tensor relu(const Tensor& x, Location where = Location::current());

/// diff_dst (1 - dst^2): the gradient of tanh from its result.
Tensor tanh_backward(const Tensor& diff_dst, const Tensor& dst, Location where = Location::current());
/// diff_dst dst (1 - dst): the gradient of sigmoid from its result.
Tensor sigmoid_backward(const Tensor& diff_dst, const Tensor& dst, Location where = Location::current());
/// diff_dst where dst > 0, else exactly 0: the gradient of relu from its result.
Tensor relu_backward(const Tensor& diff_dst, const Tensor& dst, Location where = Location::current());
/// diff_dst / (2 dst), and 0 where diff_dst is 0: the gradient of sqrt from its result.
Tensor sqrt_backward(const Tensor& diff_dst, const Tensor& dst, Location where = Location::current());
/// 2 diff_dst src: the gradient of square from its source.
Tensor square_backward(const Tensor& diff_dst, const Tensor& src, Location where = Location::current());

}  // namespace dagrad
