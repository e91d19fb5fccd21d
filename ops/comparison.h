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

Tensor eq(const Tensor& a, double b, Location where = Location::current());
Tensor ne(const Tensor& a, double b, Location where = Location::current());
Tensor lt(const Tensor& a, double b, Location where = Location::current());
Tensor le(const Tensor& a, double b, Location where = Location::current());
Tensor gt(const Tensor& a, double b, Location where = Location::current());
Tensor ge(const Tensor& a, double b, Location where = Location::current());

}  // namespace dagrad
