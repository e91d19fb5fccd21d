// Views and changes of shape. A view shares its elements with its source.
#pragma once

#include <initializer_list>
#include <limits>
#include <span>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// The elements in row-major order under another shape; one size may be -1. A view where strides allow it, else a copy.
Tensor reshape(const Tensor& src, const Shape& shape, Location where = Location::current());
/// The same, but always a view. Throws ShapeError, with the shape and the strides, where it would have to copy.
Tensor view(const Tensor& src, const Shape& shape, Location where = Location::current());
/// Axes `first` to `last` as one.
Tensor flatten(const Tensor& src, std::int64_t first = 0, std::int64_t last = -1, Location where = Location::current());
/// Drops an axis of size 1 (none named: all of them); adds one.
Tensor squeeze(const Tensor& src, Location where = Location::current());
Tensor squeeze(const Tensor& src, std::int64_t axis, Location where = Location::current());
Tensor unsqueeze(const Tensor& src, std::int64_t axis, Location where = Location::current());
/// A view with two axes exchanged (the last two by default).
Tensor transpose(const Tensor& src, std::int64_t a = -2, std::int64_t b = -1, Location where = Location::current());
/// The same under NumPy's name, whose axes have to be named.
Tensor swapaxes(const Tensor& src, std::int64_t a, std::int64_t b, Location where = Location::current());
/// A view with the axes `from` at the places `to`; the others keep their order.
Tensor movedim(const Tensor& src, std::int64_t from, std::int64_t to, Location where = Location::current());
Tensor movedim(const Tensor& src, const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to,
               Location where = Location::current());
/// A view with the axes in the order given.
Tensor permute(const Tensor& src, const std::vector<std::int64_t>& axes, Location where = Location::current());
/// A view that repeats axes of size 1 (and new leading ones); -1 keeps a size.
Tensor expand(const Tensor& src, const Shape& shape, Location where = Location::current());
/// The same under NumPy's name.
Tensor broadcast_to(const Tensor& src, const Shape& shape, Location where = Location::current());
/// The view [start, end) along `axis` in steps of `step` > 0; negative bounds count from the end; as in Python, bounds
/// are clipped, and without an end the rest is taken.
Tensor slice(const Tensor& src, std::int64_t axis, std::int64_t start,
             std::int64_t end = std::numeric_limits<std::int64_t>::max(), std::int64_t step = 1,
             Location where = Location::current());
/// Position `index` of `axis`, which is dropped.
Tensor select(const Tensor& src, std::int64_t axis, std::int64_t index, Location where = Location::current());
/// `length` positions of `axis` from `start`.
Tensor narrow(const Tensor& src, std::int64_t axis, std::int64_t start, std::int64_t length,
              Location where = Location::current());

/// The tensors one after the other along `axis`.
Tensor cat(const std::vector<Tensor>& parts, std::int64_t axis = 0, Location where = Location::current());
/// The same along a new axis.
Tensor stack(const std::vector<Tensor>& parts, std::int64_t axis = 0, Location where = Location::current());

/// `src` itself when row-major, else a row-major copy.
Tensor contiguous(const Tensor& src, Location where = Location::current());
/// The same elements with the channels of [N, C, spatial...] side by side in memory, as convolutions want them; `src`
/// itself when it lies so. Throws ShapeError outside 3 to 5 dimensions.
Tensor channels_last(const Tensor& src, Location where = Location::current());
/// A copy.
Tensor clone(const Tensor& src, Location where = Location::current());
/// The elements as another type (`src` itself when it has it). Floating to integer truncates. Gradients are cast back.
Tensor to(const Tensor& src, DType dtype, Location where = Location::current());

}  // namespace dagrad
