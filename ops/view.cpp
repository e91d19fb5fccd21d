#include "dagrad/ops/view.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>

#include "dagrad/core/cast.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

// --- reshape ---

/// The strides under which `t` can be seen as `shape` without moving elements, if there are any: each run of axes that
/// lies in line in `t` is cut anew.
std::optional<Strides> strides_for_view(const Tensor& t, const Shape& shape) {
  if (t.is_contiguous() || t.numel() == 0) return contiguous_strides(shape);
  Strides result = Shape::filled(shape.rank(), 0);
  int target = shape.rank() - 1;
  int axis = t.dim() - 1;
  while (axis >= 0) {
    // A run of axes that lie in line, the innermost of them with stride `step`.
    const std::int64_t step = t.strides()[axis];
    std::int64_t run = t.shape()[axis];
    while (axis > 0 && (t.shape()[axis - 1] == 1 || t.strides()[axis - 1] == run * step)) run *= t.shape()[--axis];
    std::int64_t covered = 1;
    while (target >= 0 && covered * shape[target] <= run && (covered < run || shape[target] == 1)) {
      result[target] = covered * step;
      covered *= shape[target--];
    }
    if (covered != run) return std::nullopt;
    --axis;
  }
  while (target >= 0) result[target--] = 1;
  return result;
}

/// `shape` with its -1 worked out.
Shape resolve(std::string_view op, const Tensor& src, const Shape& shape) {
  const auto fail = [&](const char* want) {
    throw ShapeError(
        fmt::format("{}: {} with {} elements to {} (want {})", op, src.shape().str(), src.numel(), shape.str(), want));
  };
  Shape result = shape;
  int unknown = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] < -1 || (shape[i] == -1 && unknown >= 0)) fail("sizes >= 0, and at most one -1");
    if (shape[i] == -1) unknown = i;
  }
  if (unknown >= 0) {
    result[unknown] = 1;
    const std::int64_t known = checked_numel(op, result);
    if (known == 0 || src.numel() % known != 0) fail("the other sizes to divide the number of elements");
    result[unknown] = src.numel() / known;
  }
  if (checked_numel(op, result) != src.numel()) fail("the same number of elements");
  return result;
}

struct Reshape {
  static constexpr std::string_view name = "reshape";
  Shape shape;
  std::string attributes() const { return "shape=" + shape.str(); }

  Tensor view(const Tensor& src) const {
    if (const auto strides = strides_for_view(src, shape)) return src.alias(shape, *strides, src.offset());
    const Tensor copy = contiguous_data(src);
    return copy.alias(shape, contiguous_strides(shape), 0);
  }
  // diff_src = diff_dst in src's shape
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, reshape(diff_dst, ctx.input_shape(0))); }
};

// --- views by strides ---

struct Permute {
  static constexpr std::string_view name = "permute";
  std::array<std::uint8_t, kMaxRank> order{};
  int rank = 0;

  std::string attributes() const {
    return fmt::format("axes=[{}]", fmt::join(order.begin(), order.begin() + rank, ", "));
  }

  Tensor view(const Tensor& src) const {
    Shape shape = src.shape();
    Strides strides = src.strides();
    for (int i = 0; i < rank; ++i) {
      shape[i] = src.shape()[order[static_cast<std::size_t>(i)]];
      strides[i] = src.strides()[order[static_cast<std::size_t>(i)]];
    }
    return src.alias(shape, strides, src.offset());
  }
  // diff_src = diff_dst with the axes in their old order
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    Permute inverse = *this;
    for (int i = 0; i < rank; ++i) inverse.order[order[static_cast<std::size_t>(i)]] = static_cast<std::uint8_t>(i);
    ctx.give(0, apply(inverse, Location::current(), diff_dst));
  }
};

struct Expand {
  static constexpr std::string_view name = "expand";
  Shape shape;
  std::string attributes() const { return "shape=" + shape.str(); }

  Tensor view(const Tensor& src) const {
    return src.alias(shape, broadcast_strides(src.shape(), src.strides(), shape), src.offset());
  }
  // diff_src = diff_dst summed over the repeats
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, sum_to(diff_dst, ctx.input_shape(0))); }
};

struct Range {
  int axis = 0;
  std::int64_t start = 0, length = 0, step = 1;
  std::string str() const { return fmt::format("axis={}, start={}, length={}, step={}", axis, start, length, step); }
  Tensor of(const Tensor& t) const {
    Shape shape = t.shape();
    Strides strides = t.strides();
    shape[axis] = length;
    strides[axis] *= step;
    return t.alias(shape, strides, t.offset() + start * t.strides()[axis]);
  }
};

struct Slice {
  static constexpr std::string_view name = "slice";
  Range range;
  std::string attributes() const { return range.str(); }
  Tensor view(const Tensor& src) const { return range.of(src); }
  // diff_src = zeros with diff_dst at the positions of the slice
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct SliceBackward {
  static constexpr std::string_view name = "slice_backward";
  Range range;
  Shape shape;
  std::string attributes() const { return range.str(); }
  Spec infer(const Tensor& diff_dst) const { return {shape, diff_dst.dtype(), diff_dst.format()}; }
  void forward(Forward&, const Tensor& diff_dst, Tensor& diff_src) const {
    diff_src.zero_();
    Tensor part = range.of(diff_src);
    copy_elements(diff_dst, part);
  }
  // f puts g among zeros: df/dg takes it out again
  void backward(Backward& ctx, const Tensor& diff) const {
    ctx.give(0, apply(Slice{range}, Location::current(), diff));
  }
};

void Slice::backward(Backward& ctx, const Tensor& diff_dst) const {
  if (ctx.needs(0)) ctx.give(0, apply(SliceBackward{range, ctx.input_shape(0)}, Location::current(), diff_dst));
}

Tensor exchange(std::string_view op_name, const Tensor& src, std::int64_t a, std::int64_t b, Location where) {
  const int first = normalize_axis(op_name, a, src.dim()), second = normalize_axis(op_name, b, src.dim());
  Permute op;
  op.rank = src.dim();
  for (int i = 0; i < op.rank; ++i) op.order[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
  std::swap(op.order[static_cast<std::size_t>(first)], op.order[static_cast<std::size_t>(second)]);
  return apply(op, where, src);
}

Tensor repeat_ones(std::string_view op, const Tensor& src, const Shape& shape, Location where) {
  const int lead = shape.rank() - src.dim();
  Shape target = shape;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < target.rank(); ++i) {
    const std::int64_t size = i >= lead ? src.shape()[i - lead] : -1;
    if (target[i] == -1) target[i] = size;
    fits = target[i] >= 0 && (i < lead || size == 1 || size == target[i]);
  }
  if (!fits) {
    throw ShapeError(fmt::format(
        "{}: {} to {} (want the same sizes, or more where the source has 1; new axes in front; -1 keeps a size)", op,
        src.shape().str(), shape.str()));
  }
  checked_numel(op, target, item_size(src.dtype()));
  return target == src.shape() ? src : apply(Expand{target}, where, src);
}

// --- copies ---

struct Cat {
  static constexpr std::string_view name = "cat";
  static constexpr AutocastRule autocast = AutocastRule::widest;
  int axis;
  std::vector<std::int64_t> lengths;  // of each part along the axis
  std::string attributes() const { return fmt::format("axis={}", axis); }

  Spec infer(std::span<const Tensor> parts) const {
    Spec result = parts[0].spec_with_format();
    result.shape[axis] = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Tensor& part = parts[i];
      if (part.dtype() != result.dtype) {
        throw DTypeError(fmt::format("cat: element types differ: part 0 is {}, part {} is {} (want one type)",
                                     name_of(result.dtype), i, name_of(part.dtype())));
      }
      Shape rest = part.shape();
      if (rest.rank() == result.shape.rank()) rest[axis] = result.shape[axis];
      if (rest != result.shape) {
        throw ShapeError(fmt::format("cat: part {} is {}, part 0 is {} (want equal sizes but along axis {})", i,
                                     part.shape().str(), parts[0].shape().str(), axis));
      }
      result.shape[axis] += part.shape()[axis];
    }
    return result;
  }

  void forward(Forward&, std::span<const Tensor> parts, Tensor& dst) const {
    std::int64_t start = 0;
    for (const Tensor& part : parts) {
      Tensor target = Range{axis, start, part.size(axis), 1}.of(dst);
      copy_elements(part, target);
      start += part.size(axis);
    }
  }

  // diff_part = the slice of diff_dst where the part stands
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    std::int64_t start = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      if (ctx.needs(i)) ctx.give(i, narrow(diff_dst, axis, start, lengths[i]));
      start += lengths[i];
    }
  }
};

struct Contiguous {
  static constexpr std::string_view name = "contiguous";
  Format format;
  Spec infer(const Tensor& src) const { return {src.shape(), src.dtype(), format}; }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { copy_elements(src, dst); }
  // diff_src = diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst); }
};

}  // namespace

Tensor reshape(const Tensor& src, const Shape& shape, Location where) {
  return apply(Reshape{resolve("reshape", src, shape)}, where, src);
}

Tensor view(const Tensor& src, const Shape& shape, Location where) {
  const Shape target = resolve("view", src, shape);
  if (!strides_for_view(src, target)) {
    throw ShapeError(
        fmt::format("view: {} with strides {} to {} would move elements (want a shape that the strides "
                    "allow, or reshape, which copies)",
                    src.shape().str(), src.strides().str(), shape.str()));
  }
  return apply(Reshape{target}, where, src);
}

Tensor flatten(const Tensor& src, std::int64_t first, std::int64_t last, Location where) {
  const int begin = normalize_axis("flatten", first, src.dim()), end = normalize_axis("flatten", last, src.dim());
  if (begin > end)
    throw ShapeError(fmt::format("flatten: axis {} lies behind axis {} (want first <= last)", first, last));
  Shape shape;
  for (int i = 0; i < begin; ++i) shape.push_back(src.shape()[i]);
  std::int64_t size = 1;
  for (int i = begin; i <= end && i < src.dim(); ++i) size *= src.shape()[i];
  shape.push_back(size);
  for (int i = end + 1; i < src.dim(); ++i) shape.push_back(src.shape()[i]);
  return reshape(src, shape, where);
}

Tensor squeeze(const Tensor& src, Location where) {
  Shape shape;
  for (const std::int64_t size : src.shape()) {
    if (size != 1) shape.push_back(size);
  }
  return reshape(src, shape, where);
}

Tensor squeeze(const Tensor& src, std::int64_t axis, Location where) {
  const int at = normalize_axis("squeeze", axis, src.dim());
  if (src.dim() == 0) return src;
  if (src.shape()[at] != 1)
    throw ShapeError(
        fmt::format("squeeze: axis {} of {} has size {} (want 1)", axis, src.shape().str(), src.shape()[at]));
  Shape shape = src.shape();
  shape.erase(at);
  return reshape(src, shape, where);
}

Tensor unsqueeze(const Tensor& src, std::int64_t axis, Location where) {
  Shape shape = src.shape();
  shape.insert(normalize_axis("unsqueeze", axis, src.dim() + 1), 1);
  return reshape(src, shape, where);
}

Tensor transpose(const Tensor& src, std::int64_t a, std::int64_t b, Location where) {
  return exchange("transpose", src, a, b, where);
}

Tensor swapaxes(const Tensor& src, std::int64_t a, std::int64_t b, Location where) {
  return exchange("swapaxes", src, a, b, where);
}

Tensor movedim(const Tensor& src, std::int64_t from, std::int64_t to, Location where) {
  return movedim(src, std::vector{from}, std::vector{to}, where);
}

Tensor movedim(const Tensor& src, const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to,
               Location where) {
  if (from.size() != to.size()) {
    throw ShapeError(fmt::format("movedim: {} axes to {} places (want as many)", from.size(), to.size()));
  }
  if (src.dim() == 0 || from.empty()) return src;
  normalize_axes("movedim", from, src.dim());  // each once
  normalize_axes("movedim", to, src.dim());
  constexpr std::uint8_t kFree = kMaxRank;
  Permute op;
  op.rank = src.dim();
  op.order.fill(kFree);
  unsigned moved = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const int axis = normalize_axis("movedim", from[i], src.dim());
    op.order[static_cast<std::size_t>(normalize_axis("movedim", to[i], src.dim()))] = static_cast<std::uint8_t>(axis);
    moved |= 1u << axis;
  }
  std::uint8_t next = 0;
  for (int i = 0; i < op.rank; ++i) {
    std::uint8_t& place = op.order[static_cast<std::size_t>(i)];
    if (place != kFree) continue;
    while ((moved >> next & 1u) != 0) ++next;
    place = next++;
  }
  return apply(op, where, src);
}

Tensor permute(const Tensor& src, const std::vector<std::int64_t>& axes, Location where) {
  if (axes.size() != static_cast<std::size_t>(src.dim())) {
    throw ShapeError(fmt::format("permute: {} axes for {} (want each of its {} axes once)", axes.size(),
                                 src.shape().str(), src.dim()));
  }
  normalize_axes("permute", axes, src.dim());  // each once
  Permute op;
  op.rank = src.dim();
  for (std::size_t i = 0; i < axes.size(); ++i)
    op.order[i] = static_cast<std::uint8_t>(normalize_axis("permute", axes[i], src.dim()));
  return apply(op, where, src);
}

Tensor expand(const Tensor& src, const Shape& shape, Location where) {
  return repeat_ones("expand", src, shape, where);
}

Tensor broadcast_to(const Tensor& src, const Shape& shape, Location where) {
  return repeat_ones("broadcast_to", src, shape, where);
}

Tensor slice(const Tensor& src, std::int64_t axis, std::int64_t start, std::int64_t end, std::int64_t step,
             Location where) {
  const int at = normalize_axis("slice", axis, src.dim());
  if (src.dim() == 0) throw ShapeError("slice: the source is [] (want at least one dimension)");
  if (step < 1) throw ShapeError(fmt::format("slice: step is {} (want at least 1)", step));
  const std::int64_t size = src.shape()[at];
  const auto clip = [size](std::int64_t bound) {
    return std::clamp<std::int64_t>(bound < 0 ? bound + size : bound, 0, size);
  };
  const std::int64_t first = clip(start), last = std::max(clip(end), first);
  step = std::min(step, std::max<std::int64_t>(last - first, 1));  // a longer one leaves the first, too
  return apply(Slice{{at, first, (last - first + step - 1) / step, step}}, where, src);
}

Tensor select(const Tensor& src, std::int64_t axis, std::int64_t index, Location where) {
  const int at = normalize_axis("select", axis, src.dim());
  if (src.dim() == 0) throw ShapeError("select: the source is [] (want at least one dimension)");
  const std::int64_t size = src.shape()[at];
  if (index < -size || index >= size) {
    throw ShapeError(fmt::format("select: index {} of axis {} in {} (want {} to {})", index, axis, src.shape().str(),
                                 -size, size - 1));
  }
  return squeeze(narrow(src, at, index < 0 ? index + size : index, 1, where), at, where);
}

Tensor narrow(const Tensor& src, std::int64_t axis, std::int64_t start, std::int64_t length, Location where) {
  const int at = normalize_axis("narrow", axis, src.dim());
  if (src.dim() == 0) throw ShapeError("narrow: the source is [] (want at least one dimension)");
  const std::int64_t size = src.shape()[at];
  if (start < 0 || length < 0 || start > size || length > size - start) {
    throw ShapeError(fmt::format("narrow: {} positions from {} of axis {} in {} (want them within its {})", length,
                                 start, axis, src.shape().str(), size));
  }
  return apply(Slice{{at, start, length, 1}}, where, src);
}

Tensor cat(const std::vector<Tensor>& parts, std::int64_t axis, Location where) {
  if (parts.empty()) throw UsageError("cat: no tensors (want at least one)");
  if (parts[0].dim() == 0) throw ShapeError("cat: part 0 is [] (want at least one dimension; use stack)");
  Cat op{normalize_axis("cat", axis, parts[0].dim()), {}};
  for (const Tensor& part : parts) op.lengths.push_back(op.axis < part.dim() ? part.shape()[op.axis] : 0);
  return apply(std::move(op), where, std::span<const Tensor>(parts));
}

Tensor stack(const std::vector<Tensor>& parts, std::int64_t axis, Location where) {
  if (parts.empty()) throw UsageError("stack: no tensors (want at least one)");
  const int at = normalize_axis("stack", axis, parts[0].dim() + 1);
  std::vector<Tensor> rows;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].shape() != parts[0].shape()) {
      throw ShapeError(fmt::format("stack: part {} is {}, part 0 is {} (want equal shapes)", i, parts[i].shape().str(),
                                   parts[0].shape().str()));
    }
    rows.push_back(unsqueeze(parts[i], at, where));
  }
  return cat(rows, at, where);
}

Tensor contiguous(const Tensor& src, Location where) {
  return src.is_contiguous() ? src : apply(Contiguous{Format::row_major}, where, src);
}
Tensor channels_last(const Tensor& src, Location where) {
  if (src.dim() < 3 || src.dim() > 5) {
    throw ShapeError(
        fmt::format("channels_last: {} (want [N, C, spatial...] with 1 to 3 spatial axes)", src.shape().str()));
  }
  return src.is_channels_last() ? src : apply(Contiguous{Format::channels_last}, where, src);
}
Tensor clone(const Tensor& src, Location where) { return apply(Contiguous{src.format()}, where, src); }

Tensor to(const Tensor& src, DType dtype, Location where) { return cast(src, dtype, where); }

}  // namespace dagrad
