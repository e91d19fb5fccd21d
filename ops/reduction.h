// Reductions over any axes.
#pragma once

#include <span>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// The axes that a reduction runs over, from the end when negative; none named means all.
using Axes = std::vector<std::int64_t>;

/// The sum over `axes`, which are dropped, or with `keepdim` kept with size 1. The sum of nothing is 0.
Tensor sum(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
/// The mean; NaN over an empty axis.
Tensor mean(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
/// The largest element; NaN when there is one. The gradient is split evenly among equal maxima.
/// Throws ShapeError over an empty axis.
Tensor max(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
/// The index (i64) of the largest element along `axis`, the first of equals; a NaN counts as the largest.
Tensor argmax(const Tensor& src, std::int64_t axis = -1, bool keepdim = false, Location where = Location::current());

/// `src` summed down to `shape`, from which it could have been broadcast: the inverse of expand for gradients.
Tensor sum_to(const Tensor& src, const Shape& shape, Location where = Location::current());

}  // namespace dagrad
