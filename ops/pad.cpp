#include "dagrad/ops/pad.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/arrangement.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

std::string_view name_of(PadMode mode) {
  switch (mode) {
    case PadMode::constant: return "constant";
    case PadMode::reflect: return "reflect";
    case PadMode::replicate: return "replicate";
    case PadMode::circular: break;
  }
  return "circular";
}

/// How far each axis grows (shrinks, where negative) at its two ends.
struct Pads {
  std::array<std::int64_t, kMaxRank> before{}, after{};

  std::int64_t front(int axis) const { return before[static_cast<std::size_t>(axis)]; }
  std::int64_t back(int axis) const { return after[static_cast<std::size_t>(axis)]; }
  Pads negated() const {
    Pads result;
    for (std::size_t i = 0; i < kMaxRank; ++i) {
      result.before[i] = -before[i];
      result.after[i] = -after[i];
    }
    return result;
  }
  /// What is added without what is cropped.
  Pads growth() const {
    Pads result;
    for (std::size_t i = 0; i < kMaxRank; ++i) {
      result.before[i] = std::max<std::int64_t>(before[i], 0);
      result.after[i] = std::max<std::int64_t>(after[i], 0);
    }
    return result;
  }
  bool crop() const {
    const auto negative = [](std::int64_t pad) { return pad < 0; };
    return std::any_of(before.begin(), before.end(), negative) || std::any_of(after.begin(), after.end(), negative);
  }
  Shape applied_to(Shape shape) const {
    for (int axis = 0; axis < shape.rank(); ++axis) shape[axis] += front(axis) + back(axis);
    return shape;
  }
  std::string str(int rank) const {
    std::string text;
    for (int axis = 0; axis < rank; ++axis)
      text += fmt::format("{}{}:{}", axis > 0 ? ", " : "", front(axis), back(axis));
    return text;
  }
};

/// dst = src with `value` around it; negative pads crop.
void pad_with(const Tensor& src, const Pads& pads, double value, Tensor& dst) {
  Tensor from = src, to = dst;
  for (int axis = 0; axis < src.dim(); ++axis) {
    const Pads grow = pads.growth(), shrink = pads.negated().growth();
    from = narrow(from, axis, shrink.front(axis), from.size(axis) - shrink.front(axis) - shrink.back(axis));
    if (grow.front(axis) > 0) narrow(to, axis, 0, grow.front(axis)).fill_(value);
    if (grow.back(axis) > 0) narrow(to, axis, to.size(axis) - grow.back(axis), grow.back(axis)).fill_(value);
    to = narrow(to, axis, grow.front(axis), from.size(axis));
  }
  copy_elements(from, to);
}

/// The part of a padded tensor that lies inside the pads of axis `first` and those after it.
Tensor inside(const Tensor& padded, const Pads& pads, int first) {
  Tensor part = padded;
  for (int axis = first; axis < padded.dim(); ++axis)
    part = narrow(part, axis, pads.front(axis), part.size(axis) - pads.front(axis) - pads.back(axis));
  return part;
}

/// A pad and the elements of the source that it repeats, along one axis of a padded tensor.
struct Copied {
  Tensor pad, origin;  // origin has length 1 where the pad repeats one element
  bool reversed = false;
};

std::array<Copied, 2> copies(const Tensor& padded, int axis, std::int64_t before, std::int64_t after, PadMode mode) {
  const std::int64_t end = padded.size(axis) - after, size = end - before;
  const auto part = [&](std::int64_t start, std::int64_t length) { return narrow(padded, axis, start, length); };
  const Tensor front = part(0, before), back = part(end, after);
  switch (mode) {
    case PadMode::reflect:
      return {Copied{front, part(before + 1, before), true}, Copied{back, part(end - 1 - after, after), true}};
    case PadMode::circular: return {Copied{front, part(size, before)}, Copied{back, part(before, after)}};
    default: return {Copied{front, part(before, 1)}, Copied{back, part(end - 1, 1)}};
  }
}

struct Padding {
  Pads pads;
  PadMode mode;
};

struct Pad : Padding {
  static constexpr std::string_view name = "pad";
  double value;
  int rank;
  std::string attributes() const { return fmt::format("pads=[{}], mode={}", pads.str(rank), name_of(mode)); }

  Spec infer(const Tensor& src) const { return {pads.applied_to(src.shape()), src.dtype()}; }

  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (dst.numel() == 0) return;
    if (mode == PadMode::constant) return pad_with(src, pads, value, dst);
    Tensor middle = inside(dst, pads, 0);
    copy_elements(src, middle);
    // Axis by axis, so that the corners repeat what the axes before have added.
    for (int axis = 0; axis < rank; ++axis) {
      for (Copied& copy : copies(inside(dst, pads, axis + 1), axis, pads.front(axis), pads.back(axis), mode)) {
        if (copy.pad.size(axis) == 0) continue;
        copy_elements(copy.reversed ? flip(copy.origin, {axis}) : expand(copy.origin, copy.pad.shape()), copy.pad);
      }
    }
  }

  // constant: diff_src = diff_dst with the opposite pads. Else each pad is added to what it repeats.
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct PadBackward : Padding {
  static constexpr std::string_view name = "pad_backward";
  Shape shape;
  std::string attributes() const { return fmt::format("pads=[{}], mode={}", pads.str(shape.rank()), name_of(mode)); }

  Spec infer(const Tensor& diff_dst) const { return {shape, diff_dst.dtype()}; }

  void forward(Forward&, const Tensor& diff_dst, Tensor& diff_src) const {
    if (diff_src.numel() == 0) return;
    Tensor total = Tensor::allocate({diff_dst.shape(), diff_dst.dtype() == bf16 ? f32 : diff_dst.dtype()});
    copy_elements(diff_dst, total);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      for (Copied& copy : copies(inside(total, pads, axis + 1), axis, pads.front(axis), pads.back(axis), mode)) {
        if (mode != PadMode::replicate) {
          if (copy.pad.numel() > 0)
            add_elements(copy.origin, copy.reversed ? flip(copy.pad, {axis}) : copy.pad, copy.origin);
          continue;
        }
        for (std::int64_t i = 0; i < copy.pad.size(axis); ++i)
          add_elements(copy.origin, narrow(copy.pad, axis, i, 1), copy.origin);
      }
    }
    copy_elements(inside(total, pads, 0), diff_src);
  }

  // f adds up what pad() repeats: df/dg repeats it
  void backward(Backward& ctx, const Tensor& diff) const {
    ctx.give(0, apply(Pad{{pads, mode}, 0, shape.rank()}, Location::current(), diff));
  }
};

void Pad::backward(Backward& ctx, const Tensor& diff_dst) const {
  if (!ctx.needs(0)) return;
  if (mode == PadMode::constant)
    ctx.give(0, apply(Pad{{pads.negated(), mode}, 0, rank}, Location::current(), diff_dst));
  else
    ctx.give(0, apply(PadBackward{{pads, mode}, ctx.input_shape(0)}, Location::current(), diff_dst));
}

/// Throws ShapeError when an axis of `shape` is too small for its pads.
void check(const Shape& shape, const Pads& pads, PadMode mode) {
  const Pads grow = pads.growth(), shrink = pads.negated().growth();
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t size = shape[axis], most = std::max(grow.front(axis), grow.back(axis));
    if (shrink.front(axis) > size || shrink.back(axis) > size - shrink.front(axis)) {
      throw ShapeError(fmt::format("pad: {} and {} at axis {} of {} (want at most {} cropped)", pads.front(axis),
                                   pads.back(axis), axis, shape.str(), size));
    }
    const auto fail = [&](const std::string& want) {
      throw ShapeError(
          fmt::format("pad: {} by {} at axis {} of {} (want {})", name_of(mode), most, axis, shape.str(), want));
    };
    if (most == 0) continue;
    if (mode == PadMode::reflect && most >= size) fail(fmt::format("less than its size {}", size));
    if (mode == PadMode::circular && most > size) fail(fmt::format("at most its size {}", size));
    if (mode == PadMode::replicate && size == 0) fail("an element to repeat");
  }
}

}  // namespace

Tensor pad(const Tensor& src, const std::vector<std::int64_t>& pads, PadMode mode, double value, Location where) {
  if (pads.size() % 2 != 0 || pads.size() > 2 * static_cast<std::size_t>(src.dim())) {
    throw ShapeError(fmt::format("pad: {} pads for {} (want two for an axis, from the last on, and at most {})",
                                 pads.size(), src.shape().str(), 2 * src.dim()));
  }
  Pads sizes;
  for (std::size_t i = 0; i < pads.size() / 2; ++i) {
    const std::size_t axis = static_cast<std::size_t>(src.dim()) - 1 - i;
    sizes.before[axis] = pads[2 * i];
    sizes.after[axis] = pads[2 * i + 1];
  }
  check(src.shape(), sizes, mode);
  if (mode == PadMode::constant || !sizes.crop()) return apply(Pad{{sizes, mode}, value, src.dim()}, where, src);
  // What is beyond the border repeats elements of the whole source, also of the part that is cropped.
  const Tensor whole = apply(Pad{{sizes.growth(), mode}, value, src.dim()}, where, src);
  Pads crop = sizes.negated().growth().negated();
  return apply(Pad{{crop, PadMode::constant}, 0, src.dim()}, where, whole);
}

}  // namespace dagrad
