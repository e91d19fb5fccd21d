// Sliding windows.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// The windows of `size` positions of `axis` that begin at 0, step, 2 step, ...: a view without a copy. The axis counts
/// the windows, and a new last axis runs along each. Where windows overlap their gradients add up. As
/// torch.Tensor.unfold. Throws ShapeError unless 0 <= size <= src.size(axis) and step >= 1.
Tensor unfold(const Tensor& src, std::int64_t axis, std::int64_t size, std::int64_t step,
              Location where = Location::current());

}  // namespace dagrad
