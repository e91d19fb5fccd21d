// Choosing elements by a condition: results whose size depends on the data.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// The positions of the elements that are not 0, in row-major order: i64 [K, src.dim()]. NaN is not 0, -0 is.
/// Integers have no gradient. Any type.
Tensor nonzero(const Tensor& src, Location where = Location::current());

/// The elements of src where the boolean mask is true, in row-major order: [K]. The two broadcast. Elements that are
/// not taken get a gradient of exactly 0. Throws ShapeError, DTypeError.
Tensor masked_select(const Tensor& src, const Tensor& mask, Location at = Location::current());

}  // namespace dagrad
