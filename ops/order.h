// Elements in order.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/axes.h"

namespace dagrad {

/// Elements, and where they stood along the axis (i64). The gradient of the values goes back to those places.
struct ValuesAndIndices {
  Tensor values, indices;
};

/// The elements along `axis` in ascending (or descending) order. Stable: equal elements keep their order. A NaN counts
/// as larger than any number, -0 as equal to 0.
ValuesAndIndices sort(const Tensor& src, std::int64_t axis = -1, bool descending = false,
                      Location where = Location::current());
/// The indices that sort would give.
Tensor argsort(const Tensor& src, std::int64_t axis = -1, bool descending = false,
               Location where = Location::current());

/// What topk looks for.
struct TopkOptions {
  std::int64_t axis = -1;
  bool largest = true;  ///< else the smallest
};

/// The k largest (or smallest) elements along an axis, the largest (smallest) first, and of equals the first ones.
/// Throws ShapeError unless 0 <= k <= the axis' size.
ValuesAndIndices topk(const Tensor& src, std::int64_t k, const TopkOptions& options = {},
                      Location where = Location::current());

/// The k-th smallest element along `axis`, counted from 1, which is dropped or with `keepdim` kept with size 1; of
/// equals as sort would have it. Throws ShapeError unless 1 <= k <= the axis' size.
ValuesAndIndices kthvalue(const Tensor& src, std::int64_t k, std::int64_t axis = -1, bool keepdim = false,
                          Location where = Location::current());

/// The median over `axes`: the lower one of the two in the middle; NaN when there is one. The gradient is split evenly
/// among the elements that equal it. Throws ShapeError over an empty axis.
Tensor median(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());

}  // namespace dagrad
