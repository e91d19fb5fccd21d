// The largest and the smallest elements over any axes.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/axes.h"

namespace dagrad {

/// The largest and the smallest element over `axes`; NaN when there is one. The gradient is split evenly among equal
/// ones. Throws ShapeError over an empty axis. amax and amin are the same under PyTorch's names.
Tensor max(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
Tensor min(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
Tensor amax(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());
Tensor amin(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());

/// The index (i64) of the largest or smallest element along `axis`, the first of equals; a NaN counts as the one looked
/// for. Throws ShapeError along an empty axis.
Tensor argmax(const Tensor& src, std::int64_t axis = -1, bool keepdim = false, Location where = Location::current());
Tensor argmin(const Tensor& src, std::int64_t axis = -1, bool keepdim = false, Location where = Location::current());

}  // namespace dagrad
