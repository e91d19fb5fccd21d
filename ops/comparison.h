// Comparisons. Shapes broadcast; the result is boolean and has no gradient. NaN compares as false, except by ne.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

Tensor eq(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor ne(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor lt(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor le(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor gt(const Tensor& a, const Tensor& b, Location where = Location::current());
Tensor ge(const Tensor& a, const Tensor& b, Location where = Location::current());

/// A number takes the type of the tensor; an integer one takes whole numbers alone (else DTypeError).
Tensor eq(const Tensor& a, double b, Location where = Location::current());
Tensor ne(const Tensor& a, double b, Location where = Location::current());
Tensor lt(const Tensor& a, double b, Location where = Location::current());
Tensor le(const Tensor& a, double b, Location where = Location::current());
Tensor gt(const Tensor& a, double b, Location where = Location::current());
Tensor ge(const Tensor& a, double b, Location where = Location::current());

/// The same with the number first.
Tensor eq(double a, const Tensor& b, Location where = Location::current());
Tensor ne(double a, const Tensor& b, Location where = Location::current());
Tensor lt(double a, const Tensor& b, Location where = Location::current());
Tensor le(double a, const Tensor& b, Location where = Location::current());
Tensor gt(double a, const Tensor& b, Location where = Location::current());
Tensor ge(double a, const Tensor& b, Location where = Location::current());

}  // namespace dagrad
