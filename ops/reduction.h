// Sums, products and tests over any axes.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/axes.h"

namespace dagrad {

/// The sum over `axes`, which are dropped, or with `keepdim` kept with size 1. The sum of nothing is 0. Integers and
/// booleans are summed as i64.
Tensor sum(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
/// The mean; NaN over an empty axis. Throws DTypeError for integers.
Tensor mean(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
/// The product, of f32 and bf16 in f64. The product of nothing is 1. Derivatives of any order are right where elements
/// are 0.
Tensor prod(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());

/// Whether all elements, or any of them, are not 0 (NaN is not). Of nothing: true, and false. Boolean.
Tensor all(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
Tensor any(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());

/// `src` summed down to `shape`, from which it could have been broadcast: the inverse of expand for gradients.
Tensor sum_to(const Tensor& src, const Shape& shape, Location where = Location::current());

}  // namespace dagrad
