#include "dagrad/ops/axis_set.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/view.h"

namespace dagrad {

AxisSet AxisSet::of(std::string_view op, const Axes& axes, int rank) {
  if (axes.empty()) return all(rank);
  AxisSet set;
  for (const int axis : normalize_axes(op, axes, rank)) set.bits |= rank == 0 ? 0u : 1u << axis;
  return set;
}

Shape AxisSet::kept(Shape shape) const {
  for (int i = 0; i < shape.rank(); ++i) {
    if (has(i)) shape[i] = 1;
  }
  return shape;
}

Shape AxisSet::dropped(const Shape& shape) const {
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!has(i)) result.push_back(shape[i]);
  }
  return result;
}

std::int64_t AxisSet::length(const Shape& shape) const {
  std::int64_t count = 1;
  for (int i = 0; i < shape.rank(); ++i) count *= has(i) ? shape[i] : 1;
  return count;
}

Axes AxisSet::list() const {
  Axes result;
  for (int i = 0; i < kMaxRank; ++i) {
    if (has(i)) result.push_back(i);
  }
  return result;
}

std::string AxisSet::str() const {
  std::string text = "axes=[";
  for (const std::int64_t axis : list()) text += fmt::format("{}{}", text.back() == '[' ? "" : ", ", axis);
  return text + "]";
}

Tensor OverAxes::aligned(const Tensor& dst, const Shape& src) const {
  return keepdim ? dst : reshape(dst, axes.kept(src));
}

void check_floating(std::string_view op, DType dtype) {
  if (!is_floating(dtype))
    throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64; cast with to())", op, name_of(dtype)));
}

void check_not_empty(std::string_view op, AxisSet axes, const Shape& src) {
  if (axes.length(src) > 0) return;
  throw ShapeError(fmt::format("{}: {} over {} (want at least one element along the axes)", op, src.str(), axes.str()));
}

}  // namespace dagrad
