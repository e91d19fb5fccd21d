// One node for all the parts: their gradients are put together by one copy, where a slice each would fill and add up as
// many tensors of the whole size.
#include "dagrad/ops/split.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

constexpr std::size_t kMaxOutputs = 0xffff;  // of one node

/// The gradients of the parts, with zeros where none came.
std::vector<Tensor> complete(const Backward& ctx, std::span<const Tensor> diff_dst) {
  std::vector<Tensor> parts(diff_dst.begin(), diff_dst.end());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].defined()) parts[i] = expand(zeros({}, ctx.output(i).dtype), ctx.output(i).shape);
  }
  return parts;
}

struct Split {
  static constexpr std::string_view name = "split";
  int axis;
  std::vector<std::int64_t> sizes;
  std::string attributes() const { return fmt::format("axis={}, sizes=[{}]", axis, fmt::join(sizes, ", ")); }

  std::vector<Tensor> view(const Tensor& src) const {
    std::vector<Tensor> parts;
    parts.reserve(sizes.size());
    Shape shape = src.shape();
    std::int64_t start = 0;
    for (const std::int64_t size : sizes) {
      shape[axis] = size;
      parts.push_back(src.alias(shape, src.strides(), src.offset() + start * src.strides()[axis]));
      start += size;
    }
    return parts;
  }
  // diff_src = the gradients of the parts one after the other
  void backward(Backward& ctx, std::span<const Tensor> diff_dst) const {
    ctx.give(0, cat(complete(ctx, diff_dst), axis));
  }
};

struct Unbind {
  static constexpr std::string_view name = "unbind";
  int axis;
  std::string attributes() const { return fmt::format("axis={}", axis); }

  std::vector<Tensor> view(const Tensor& src) const {
    Shape shape = src.shape();
    Strides strides = src.strides();
    shape.erase(axis);
    strides.erase(axis);
    std::vector<Tensor> parts;
    parts.reserve(static_cast<std::size_t>(src.shape()[axis]));
    for (std::int64_t i = 0; i < src.shape()[axis]; ++i)
      parts.push_back(src.alias(shape, strides, src.offset() + i * src.strides()[axis]));
    return parts;
  }
  // diff_src = the gradients of the parts along the axis that was dropped
  void backward(Backward& ctx, std::span<const Tensor> diff_dst) const {
    ctx.give(0, stack(complete(ctx, diff_dst), axis));
  }
};

int axis_of(const char* op, const Tensor& src, std::int64_t axis) {
  const int at = normalize_axis(op, axis, src.dim());
  if (src.dim() == 0) throw ShapeError(fmt::format("{}: the source is [] (want at least one dimension)", op));
  return at;
}

std::vector<Tensor> apply_split(const Tensor& src, Split op, Location where) {
  if (op.sizes.size() <= kMaxOutputs) return apply(std::move(op), where, src);
  std::vector<Tensor> parts;
  std::int64_t start = 0;
  for (const std::int64_t size : op.sizes) {
    parts.push_back(narrow(src, op.axis, start, size, where));
    start += size;
  }
  return parts;
}

std::vector<Tensor> evenly(const Tensor& src, int axis, std::int64_t size, Location where) {
  Split op{axis, {}};
  const std::int64_t total = src.shape()[axis];
  do {
    op.sizes.push_back(std::min(size, total - static_cast<std::int64_t>(op.sizes.size()) * size));
  } while (static_cast<std::int64_t>(op.sizes.size()) * size < total);
  return apply_split(src, std::move(op), where);
}

}  // namespace

std::vector<Tensor> split(const Tensor& src, std::int64_t size, std::int64_t axis, Location where) {
  const int at = axis_of("split", src, axis);
  if (size < 1) throw ShapeError(fmt::format("split: parts of size {} (want at least 1)", size));
  return evenly(src, at, std::min(size, std::max<std::int64_t>(src.shape()[at], 1)), where);
}

std::vector<Tensor> split(const Tensor& src, const std::vector<std::int64_t>& sizes, std::int64_t axis,
                          Location where) {
  const int at = axis_of("split", src, axis);
  const std::int64_t total = src.shape()[at];
  std::int64_t rest = total;
  for (const std::int64_t size : sizes) rest = size < 0 || size > rest ? -1 : rest - size;
  if (rest != 0) {
    throw ShapeError(fmt::format("split: sizes [{}] for axis {} of {} (want them >= 0, and {} in all)",
                                 fmt::join(sizes, ", "), axis, src.shape().str(), total));
  }
  return apply_split(src, {at, sizes}, where);
}

std::vector<Tensor> chunk(const Tensor& src, std::int64_t chunks, std::int64_t axis, Location where) {
  const int at = axis_of("chunk", src, axis);
  if (chunks < 1) throw ShapeError(fmt::format("chunk: {} chunks (want at least 1)", chunks));
  const std::int64_t total = src.shape()[at];
  return evenly(src, at, std::max<std::int64_t>(total / chunks + (total % chunks != 0 ? 1 : 0), 1), where);
}

std::vector<Tensor> unbind(const Tensor& src, std::int64_t axis, Location where) {
  const int at = axis_of("unbind", src, axis);
  if (src.shape()[at] <= static_cast<std::int64_t>(kMaxOutputs)) return apply(Unbind{at}, where, src);
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < src.shape()[at]; ++i) parts.push_back(select(src, at, i, where));
  return parts;
}

}  // namespace dagrad
