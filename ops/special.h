// Special functions of each element: error functions, logits, and exponentials and logarithms to other bases. Floating
// types; NaN outside of a function's domain.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// 2^x.
Tensor exp2(const Tensor& x, Location where = Location::current());
/// The logarithm to base 10.
Tensor log10(const Tensor& x, Location where = Location::current());
/// log(x / (1 - x)), the inverse of sigmoid: -inf at 0, inf at 1. With eps, of x held to [eps, 1 - eps].
Tensor logit(const Tensor& x, Location where = Location::current());
Tensor logit(const Tensor& x, double eps, Location where = Location::current());
/// 1 - erf(x), which keeps its digits where erf is near 1.
Tensor erfc(const Tensor& x, Location where = Location::current());
/// The inverse of erf: infinite at -1 and 1.
Tensor erfinv(const Tensor& x, Location where = Location::current());

/// log(e^a + e^b) without overflow. Its gradient is softmax's: half for each where they are equal, also where both are
/// infinite. Shapes broadcast.
Tensor logaddexp(const Tensor& a, const Tensor& b, Location where = Location::current());

}  // namespace dagrad
