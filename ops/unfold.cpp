#include "dagrad/ops/unfold.h"

#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"

namespace dagrad {
namespace {

struct Windows {
  int axis;
  std::int64_t size, step;
  std::string attributes() const { return fmt::format("axis={}, size={}, step={}", axis, size, step); }

  Tensor of(const Tensor& src) const {
    Shape shape = src.shape();
    Strides strides = src.strides();
    shape[axis] = (shape[axis] - size) / step + 1;
    shape.push_back(size);
    strides.push_back(strides[axis]);
    strides[axis] *= step;
    return src.alias(shape, strides, src.offset());
  }
};

struct Unfold : Windows {
  static constexpr std::string_view name = "unfold";
  Tensor view(const Tensor& src) const { return of(src); }
  // diff_src = each window's gradient added where the window stands
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

/// `t` without `axis`, at `index` of it.
Tensor position(const Tensor& t, int axis, std::int64_t index) {
  Shape shape = t.shape();
  Strides strides = t.strides();
  const std::int64_t offset = t.offset() + index * strides[axis];
  shape.erase(axis);
  strides.erase(axis);
  return t.alias(shape, strides, offset);
}

struct UnfoldBackward : Windows {
  static constexpr std::string_view name = "unfold_backward";
  Shape shape;

  Spec infer(const Tensor& diff_dst) const { return {shape, diff_dst.dtype()}; }

  void forward(Forward&, const Tensor& diff_dst, Tensor& diff_src) const {
    Tensor total = diff_src.dtype() == bf16 ? Tensor::allocate({shape, f32}) : diff_src;
    total.zero_();
    const Tensor windows = of(total);
    // The first positions of all windows are distinct elements, and so are the positions of one window: whichever takes
    // fewer calls is added in one.
    const int last = windows.dim() - 1;
    const int axis_to_walk = windows.size(axis) < windows.size(last) ? axis : last;
    for (std::int64_t i = 0; i < windows.size(axis_to_walk); ++i) {
      Tensor target = position(windows, axis_to_walk, i);
      Tensor source = position(diff_dst, axis_to_walk, i);
      if (source.dtype() != target.dtype()) {
        Tensor wide = Tensor::allocate({source.shape(), target.dtype()});
        copy_elements(source, wide);
        source = wide;
      }
      add_elements(target, source, target);
    }
    if (!total.is_same(diff_src)) copy_elements(total, diff_src);
  }
  // f adds windows up: df/dg takes them out again
  void backward(Backward& ctx, const Tensor& diff) const {
    ctx.give(0, apply(Unfold{{axis, size, step}}, Location::current(), diff));
  }
};

void Unfold::backward(Backward& ctx, const Tensor& diff_dst) const {
  if (!ctx.needs(0)) return;
  ctx.give(0, apply(UnfoldBackward{{axis, size, step}, ctx.input_shape(0)}, Location::current(), diff_dst));
}

}  // namespace

Tensor unfold(const Tensor& src, std::int64_t axis, std::int64_t size, std::int64_t step, Location where) {
  const int at = normalize_axis("unfold", axis, src.dim());
  if (src.dim() == 0) throw ShapeError("unfold: the source is [] (want at least one dimension)");
  if (size < 0 || size > src.shape()[at]) {
    throw ShapeError(fmt::format("unfold: windows of {} along axis {} of {} (want 0 to {})", size, axis,
                                 src.shape().str(), src.shape()[at]));
  }
  if (step < 1) throw ShapeError(fmt::format("unfold: step is {} (want at least 1)", step));
  return apply(Unfold{{at, size, step}}, where, src);
}

}  // namespace dagrad
