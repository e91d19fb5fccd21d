#include "dagrad/ops/arrangement.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/indexing.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

struct Flip {
  static constexpr std::string_view name = "flip";
  unsigned axes = 0;  // as a set of bits
  bool has(int axis) const { return (axes >> axis & 1u) != 0; }

  std::string attributes() const {
    std::vector<int> list;
    for (int axis = 0; axis < kMaxRank; ++axis) {
      if (has(axis)) list.push_back(axis);
    }
    return fmt::format("axes=[{}]", fmt::join(list, ", "));
  }

  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (src.numel() == 0) return;
    Strides strides = src.strides();
    std::int64_t offset = src.offset();
    for (int axis = 0; axis < src.dim(); ++axis) {
      if (!has(axis)) continue;
      offset += (src.shape()[axis] - 1) * strides[axis];
      strides[axis] = -strides[axis];
    }
    copy_elements(src.alias(src.shape(), strides, offset), dst);
  }
  // diff_src = diff_dst in opposite order
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(*this, Location::current(), diff_dst));
  }
};

struct Roll {
  static constexpr std::string_view name = "roll";
  std::array<std::int64_t, kMaxRank> shifts{};  // of each axis, from 0 to its size - 1
  int rank = 0;

  std::string attributes() const {
    return fmt::format("shifts=[{}]", fmt::join(shifts.begin(), shifts.begin() + rank, ", "));
  }

  Spec infer(const Tensor& src) const { return src.spec(); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { copy_rolled(src, dst, 0); }

  // diff_src = diff_dst moved back
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    Roll back = *this;
    for (int axis = 0; axis < rank; ++axis) {
      std::int64_t& shift = back.shifts[static_cast<std::size_t>(axis)];
      if (shift != 0) shift = diff_dst.shape()[axis] - shift;
    }
    ctx.give(0, apply(back, Location::current(), diff_dst));
  }

 private:
  /// Each axis that moves cuts what is to be copied in two.
  void copy_rolled(const Tensor& src, Tensor& dst, int axis) const {
    while (axis < rank && shifts[static_cast<std::size_t>(axis)] == 0) ++axis;
    if (axis == rank) return copy_elements(src, dst);
    const std::int64_t shift = shifts[static_cast<std::size_t>(axis)], stay = src.size(axis) - shift;
    Tensor end = narrow(dst, axis, shift, stay), start = narrow(dst, axis, 0, shift);
    copy_rolled(narrow(src, axis, 0, stay), end, axis + 1);
    copy_rolled(narrow(src, axis, stay, shift), start, axis + 1);
  }
};

/// Each block of a row-major tensor several times in a row.
struct Repeat {
  static constexpr std::string_view name = "repeat";
  int axis;
  std::int64_t times;
  bool interleave;  // the block is one position of the axis, not all of them

  std::string attributes() const {
    return fmt::format("axis={}, times={}{}", axis, times, interleave ? ", interleave" : "");
  }

  Spec infer(const Tensor& src) const {
    Shape shape = src.shape();
    shape[axis] = checked_numel(name, {shape[axis], times});
    return {shape, src.dtype()};
  }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    const Tensor blocks = contiguous_data(src);
    const Shape shape = blocks_of(src.shape());
    const Tensor source = blocks.alias(shape, {shape[2], 0, 1}, blocks.offset());
    const Tensor target = dst.alias(shape, contiguous_strides(shape), dst.offset());
    // Of short blocks the first copies are made in one go, then the second ones, ...
    constexpr std::int64_t kShort = 16;
    Tensor to = shape[2] < kShort && shape[0] > times ? transpose(target, 0, 1) : target;
    copy_elements(to.is_same(target) ? source : transpose(source, 0, 1), to);
  }
  // diff_src = the sum of what the copies get
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Shape& shape = ctx.input_shape(0);
    ctx.give(0, reshape(sum(reshape(diff_dst, blocks_of(shape)), {1}), shape));
  }

 private:
  /// [blocks, times, elements of a block]
  Shape blocks_of(const Shape& src) const {
    Shape shape{1, times, 1};
    for (int i = 0; i < src.rank(); ++i) shape[i < axis + (interleave ? 1 : 0) ? 0 : 2] *= src[i];
    return shape;
  }
};

Tensor repeat_whole(const char* op, const Tensor& src, const std::vector<std::int64_t>& times, Location where) {
  for (const std::int64_t n : times) {
    if (n < 0) throw ShapeError(fmt::format("{}: [{}] times (want none below 0)", op, fmt::join(times, ", ")));
  }
  const int rank = std::max(src.dim(), static_cast<int>(times.size())), lead = rank - static_cast<int>(times.size());
  Shape shape = src.shape();
  while (shape.rank() < rank) shape.insert(0, 1);
  Tensor result = src.dim() == rank ? src : reshape(src, shape, where);
  bool copied = false;
  for (int axis = rank - 1; axis >= lead; --axis) {  // the last first, so that the largest copy is made of long rows
    const std::int64_t n = times[static_cast<std::size_t>(axis - lead)];
    if (n == 1) continue;
    result = apply(Repeat{axis, n, false}, where, result);
    copied = true;
  }
  return copied ? result : clone(result, where);
}

/// 0 counts[0] times, 1 counts[1] times, ...
Tensor positions_repeated(const Tensor& counts, std::int64_t size) {
  constexpr const char* op = "repeat_interleave";
  if (counts.dtype() != i64)
    throw DTypeError(fmt::format("{}: counts are {} (want i64)", op, dagrad::name_of(counts.dtype())));
  if (counts.dim() > 1 || (counts.numel() != 1 && counts.numel() != size)) {
    throw ShapeError(fmt::format("{}: counts are {} for an axis of size {} (want [{}] or [1])", op,
                                 counts.shape().str(), size, size));
  }
  std::vector<std::int64_t> times = counts.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] < 0) throw UsageError(fmt::format("{}: counts[{}] is {} (want none below 0)", op, i, times[i]));
  }
  if (counts.numel() == 1) times.assign(static_cast<std::size_t>(size), times[0]);
  std::int64_t total = 0;
  for (const std::int64_t n : times) {
    if (__builtin_add_overflow(total, n, &total))
      throw ShapeError(fmt::format("{}: the counts add up to more than 64 bits hold", op));
  }
  Tensor positions = Tensor::allocate({{total}, i64});
  std::int64_t* to = positions.mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < times.size(); ++i) to = std::fill_n(to, times[i], static_cast<std::int64_t>(i));
  return positions;
}

}  // namespace

Tensor flip(const Tensor& src, const Axes& axes, Location where) {
  Flip op;
  if (!axes.empty()) {
    for (const int axis : normalize_axes("flip", axes, src.dim())) op.axes |= 1u << axis;
  }
  return apply(op, where, src);
}

Tensor roll(const Tensor& src, std::int64_t shift, Location where) {
  return reshape(roll(reshape(src, {src.numel()}, where), shift, 0, where), src.shape(), where);
}

Tensor roll(const Tensor& src, std::int64_t shift, std::int64_t axis, Location where) {
  return roll(src, std::vector{shift}, std::vector{axis}, where);
}

Tensor roll(const Tensor& src, const std::vector<std::int64_t>& shifts, const std::vector<std::int64_t>& axes,
            Location where) {
  if (shifts.size() != axes.size()) {
    throw ShapeError(fmt::format("roll: {} shifts for {} axes (want one each)", shifts.size(), axes.size()));
  }
  Roll op;
  op.rank = src.dim();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int axis = normalize_axis("roll", axes[i], src.dim());
    if (src.numel() == 0 || src.dim() == 0) continue;
    const std::int64_t size = src.shape()[axis];
    std::int64_t& shift = op.shifts[static_cast<std::size_t>(axis)];
    shift = (shift + shifts[i] % size + size) % size;
  }
  return apply(op, where, src);
}

Tensor tile(const Tensor& src, const std::vector<std::int64_t>& times, Location where) {
  return repeat_whole("tile", src, times, where);
}

Tensor repeat(const Tensor& src, const std::vector<std::int64_t>& times, Location where) {
  if (times.size() < static_cast<std::size_t>(src.dim())) {
    throw ShapeError(
        fmt::format("repeat: {} numbers for {} (want one for each of its {} axes, or more for new axes in front)",
                    times.size(), src.shape().str(), src.dim()));
  }
  return repeat_whole("repeat", src, times, where);
}

Tensor repeat_interleave(const Tensor& src, std::int64_t times, Location where) {
  return repeat_interleave(reshape(src, {src.numel()}, where), times, 0, where);
}

Tensor repeat_interleave(const Tensor& src, std::int64_t times, std::int64_t axis, Location where) {
  const int at = normalize_axis("repeat_interleave", axis, src.dim());
  if (times < 0) throw ShapeError(fmt::format("repeat_interleave: {} times (want none below 0)", times));
  if (src.dim() == 0) return repeat_interleave(src, times, where);
  return apply(Repeat{at, times, true}, where, src);
}

Tensor repeat_interleave(const Tensor& src, const Tensor& counts, Location where) {
  return repeat_interleave(reshape(src, {src.numel()}, where), counts, 0, where);
}

Tensor repeat_interleave(const Tensor& src, const Tensor& counts, std::int64_t axis, Location where) {
  const int at = normalize_axis("repeat_interleave", axis, src.dim());
  if (src.dim() == 0) return repeat_interleave(src, counts, where);
  return index_select(src, at, positions_repeated(counts, src.shape()[at]), where);
}

}  // namespace dagrad
