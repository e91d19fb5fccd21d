// A product of two inputs by a tensor of weights.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// dst[..., o] = sum_ij a[..., i] weights[o, i, j] b[..., j] + bias[o]: a [..., I], b [..., J] of equal leading
/// dimensions, weights [O, I, J], bias [O] or undefined -> [..., O]. Throws ShapeError, DTypeError.
Tensor bilinear(const Tensor& a, const Tensor& b, const Tensor& weights, const Tensor& bias = {},
                Location where = Location::current());

}  // namespace dagrad
