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

/// How far apart elements may be that count as close.
struct CloseOptions {
  double rtol = 1e-5, atol = 1e-8;
  bool equal_nan = false;  ///< whether two NaN are close
};
/// Whether |a - b| <= atol + rtol |b|. Infinities are close to themselves alone. Throws UsageError for a tolerance that
/// is negative or NaN.
Tensor isclose(const Tensor& a, const Tensor& b, const CloseOptions& options = {},
               Location where = Location::current());

/// Whether all elements are close, and whether two tensors have the same shape, type and elements (NaN equals nothing).
/// These read the elements.
bool allclose(const Tensor& a, const Tensor& b, const CloseOptions& options = {}, Location where = Location::current());
bool equal(const Tensor& a, const Tensor& b, Location where = Location::current());

}  // namespace dagrad
