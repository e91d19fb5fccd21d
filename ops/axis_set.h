// The axes that a reduction runs over, checked. Internal.
#pragma once

#include <string>
#include <string_view>

#include "dagrad/core/shape.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/axes.h"

namespace dagrad {

/// A set of axes as bits.
struct AxisSet {
  unsigned bits = 0;

  /// Throws ShapeError naming `op` on repeats and range.
  static AxisSet of(std::string_view op, const Axes& axes, int rank);
  /// All axes of a tensor with `rank` dimensions.
  static AxisSet all(int rank) { return {(1u << rank) - 1u}; }
  /// One axis; none of a 0-dim tensor.
  static AxisSet one(int axis, int rank) { return {rank == 0 ? 0u : 1u << axis}; }

  bool has(int axis) const { return (bits >> axis & 1u) != 0; }
  /// `shape` with these axes as 1.
  Shape kept(Shape shape) const;
  /// `shape` without these axes.
  Shape dropped(const Shape& shape) const;
  /// How many elements become one.
  std::int64_t length(const Shape& shape) const;
  Axes list() const;
  /// `axes=[0, 2]`.
  std::string str() const;
};

/// What reductions over any axes have as attributes.
struct OverAxes {
  AxisSet axes;
  bool keepdim = false;

  std::string attributes() const { return axes.str() + (keepdim ? ", keepdim" : ""); }
  Shape shape_of(const Shape& src) const { return keepdim ? axes.kept(src) : axes.dropped(src); }
  /// A result, or a gradient of one, as it broadcasts to the source of shape `src`. An op, so recorded.
  Tensor aligned(const Tensor& dst, const Shape& src) const;
};

/// Throws DTypeError unless `dtype` is floating.
void check_floating(std::string_view op, DType dtype);
/// Throws ShapeError when a result would have no element to come from.
void check_not_empty(std::string_view op, AxisSet axes, const Shape& src);

}  // namespace dagrad
