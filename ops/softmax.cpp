#include "dagrad/ops/softmax.h"

#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/softmax_rows.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using softmax_rows::for_rows;

constexpr std::int64_t kPrimitiveFrom = 16
                                        << 10;  // elements from which oneDNN's log-softmax is as fast as the row loop

void check_floating(std::string_view op, const Tensor& t) {
  if (!is_floating(t.dtype())) throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", op, name_of(t.dtype())));
}

/// A copy of `t` in which `axis` is the last and lies in line, as f32 or f64; and back.
Tensor axis_last(const Tensor& t, int axis, DType dtype) {
  Shape shape = t.shape();
  Strides strides = t.strides();
  std::swap(shape[axis], shape[shape.rank() - 1]);
  std::swap(strides[axis], strides[shape.rank() - 1]);
  Tensor view = t.alias(shape, strides, t.offset());
  if (view.is_contiguous() && t.dtype() == dtype) return view;
  Tensor copy = Tensor::allocate({shape, dtype});
  copy_elements(view, copy);
  return copy;
}

void axis_back(const Tensor& rows, int axis, Tensor& dst) {
  Shape shape = dst.shape();
  Strides strides = dst.strides();
  std::swap(shape[axis], shape[shape.rank() - 1]);
  std::swap(strides[axis], strides[shape.rank() - 1]);
  Tensor view = dst.alias(shape, strides, dst.offset());
  copy_elements(rows, view);
}

/// dst = log_softmax(src) along the last axis of row-major tensors.
template <class T>
void log_softmax_rows(const Tensor& src, Tensor& dst) {
  const std::int64_t columns = src.size(-1);
  const T* from = src.data<T>();
  T* to = dst.mutable_data<T>();
  for_rows(src.numel() / columns, columns, [&](std::int64_t i) {
    const T* row = from + i * columns;
    softmax_rows::subtract(row, softmax_rows::log_sum_exp(row, columns), to + i * columns, columns);
  });
}

/// diff_src = diff_dst - exp(dst) sum(diff_dst) along the last axis of row-major tensors.
template <class T>
void log_softmax_backward_rows(const Tensor& dst, const Tensor& diff_dst, Tensor& diff_src) {
  const std::int64_t columns = dst.size(-1);
  const T* y = dst.data<T>();
  const T* g = diff_dst.data<T>();
  T* to = diff_src.mutable_data<T>();
  for_rows(dst.numel() / columns, columns, [&](std::int64_t i) {
    T total = 0;
    for (std::int64_t j = 0; j < columns; ++j) total += g[i * columns + j];
    T* row = to + i * columns;
    softmax_rows::scaled_exp(y + i * columns, {0, 0}, total, row, columns);
    for (std::int64_t j = 0; j < columns; ++j) row[j] = g[i * columns + j] - row[j];
  });
}

/// Calls `kernel(rows..., result)` with `axis` last in row-major f32 or f64 copies (or views) of the sources.
template <class Kernel, class... Sources>
void along_rows(int axis, const Kernel& kernel, Tensor& dst, const Sources&... sources) {
  if (dst.numel() == 0) return;
  const DType compute = dst.dtype() == f64 ? f64 : f32;
  const bool in_place = axis == dst.dim() - 1 && dst.dtype() == compute;
  Shape shape = dst.shape();
  std::swap(shape[axis], shape[shape.rank() - 1]);
  Tensor result = in_place ? dst : Tensor::allocate({shape, compute});
  kernel(axis_last(sources, axis, compute)..., result);
  if (!in_place) axis_back(result, axis, dst);
}

/// dst = e^(src - log(sum(e^src))) along the last axis of row-major tensors.
template <class T>
void softmax_of_rows(const Tensor& src, Tensor& dst) {
  const std::int64_t columns = src.size(-1);
  const T* from = src.data<T>();
  T* to = dst.mutable_data<T>();
  for_rows(src.numel() / columns, columns, [&](std::int64_t i) {
    const T* row = from + i * columns;
    softmax_rows::scaled_exp(row, softmax_rows::log_sum_exp(row, columns), T{1}, to + i * columns, columns);
  });
}

template <class T>
void softmax_backward_of_rows(const Tensor& diff_dst, const Tensor& dst, Tensor& diff_src) {
  const std::int64_t columns = dst.size(-1);
  const T* g = diff_dst.data<T>();
  const T* y = dst.data<T>();
  T* to = diff_src.mutable_data<T>();
  for_rows(dst.numel() / columns, columns, [&](std::int64_t i) {
    softmax_rows::softmax_backward(g + i * columns, y + i * columns, to + i * columns, columns);
  });
}

struct SoftmaxBackward {
  static constexpr std::string_view name = "softmax_backward";
  int axis;

  Spec infer(const Tensor& diff_dst, const Tensor&) const { return diff_dst.spec(); }
  // diff_src = dst (diff_dst - sum(diff_dst dst, axis))
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& dst, Tensor& diff_src) const {
    ctx.save(diff_dst);
    ctx.save(dst);
    const auto kernel = [](const Tensor& g, const Tensor& y, Tensor& result) {
      if (y.dtype() == f64)
        softmax_backward_of_rows<double>(g, y, result);
      else
        softmax_backward_of_rows<float>(g, y, result);
    };
    along_rows(axis, kernel, diff_src, diff_dst, dst);
  }
  // f = y (g - sum(g y)): with cotangent h, df/dg = y (h - sum(h y)), df/dy = h (g - sum(g y)) - g sum(h y)
  void backward(Backward& ctx, const Tensor& h) const {
    const Tensor g = ctx.saved(0), y = ctx.saved(1);
    if (ctx.needs(0)) ctx.give(0, apply(*this, Location::current(), h, y));
    if (ctx.needs(1)) ctx.give(1, h * (g - sum(g * y, {axis}, true)) - g * sum(h * y, {axis}, true));
  }
};

struct Softmax {
  static constexpr std::string_view name = "softmax";
  int axis;

  std::string attributes() const { return fmt::format("axis={}", axis); }
  Spec infer(const Tensor& src) const {
    check_floating(name, src);
    return src.spec();
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(dst);
    const auto kernel = [](const Tensor& x, Tensor& result) {
      if (x.dtype() == f64)
        softmax_of_rows<double>(x, result);
      else
        softmax_of_rows<float>(x, result);
    };
    along_rows(axis, kernel, dst, src);
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(SoftmaxBackward{axis}, Location::current(), diff_dst, ctx.saved(0)));
  }
};

struct LogSoftmaxBackward {
  static constexpr std::string_view name = "log_softmax_backward";
  int axis;

  Spec infer(const Tensor& diff_dst, const Tensor&) const { return diff_dst.spec(); }
  // diff_src = diff_dst - exp(dst) sum(diff_dst, axis)
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& dst, Tensor& diff_src) const {
    ctx.save(diff_dst);
    ctx.save(dst);
    if (diff_src.numel() == 0) return;
    if (dst.dtype() != f64 && dst.numel() >= kPrimitiveFrom) {
      return onednn::log_softmax_backward(contiguous_data(dst), contiguous_data(diff_dst), axis, diff_src);
    }
    const DType compute = dst.dtype() == f64 ? f64 : f32;
    const Tensor y = axis_last(dst, axis, compute), g = axis_last(diff_dst, axis, compute);
    Tensor rows = Tensor::allocate(y.spec());
    if (compute == f64)
      log_softmax_backward_rows<double>(y, g, rows);
    else
      log_softmax_backward_rows<float>(y, g, rows);
    axis_back(rows, axis, diff_src);
  }
  // f = g - e^y s with s = sum(g): with cotangent h, df/dg = h - sum(h e^y), df/dy = -h e^y s
  void backward(Backward& ctx, const Tensor& h) const {
    const Tensor g = ctx.saved(0), p = exp(ctx.saved(1));
    if (ctx.needs(0)) ctx.give(0, h - sum(h * p, {axis}, true));
    if (ctx.needs(1)) ctx.give(1, neg(h * p * sum(g, {axis}, true)));
  }
};

struct LogSoftmax {
  static constexpr std::string_view name = "log_softmax";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  int axis;

  std::string attributes() const { return fmt::format("axis={}", axis); }
  Spec infer(const Tensor& src) const {
    check_floating(name, src);
    return src.spec();
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(dst);
    if (dst.numel() == 0) return;
    if (src.dtype() != f64 && src.numel() >= kPrimitiveFrom)
      return onednn::log_softmax(contiguous_data(src), axis, dst);
    const Tensor rows = axis_last(src, axis, src.dtype() == f64 ? f64 : f32);
    Tensor result = axis == src.dim() - 1 && dst.dtype() == rows.dtype() ? dst : Tensor::allocate(rows.spec());
    if (rows.dtype() == f64)
      log_softmax_rows<double>(rows, result);
    else
      log_softmax_rows<float>(rows, result);
    if (!result.is_same(dst)) axis_back(result, axis, dst);
  }
  // diff_src = diff_dst - e^dst sum(diff_dst)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(LogSoftmaxBackward{axis}, Location::current(), diff_dst, ctx.saved(0)));
  }
};

}  // namespace

Tensor softmax(const Tensor& src, std::int64_t axis, Location where) {
  const int at = normalize_axis("softmax", axis, src.dim());
  if (src.dim() == 0) return squeeze(softmax(unsqueeze(src, 0, where), 0, where), 0, where);
  return apply(Softmax{at}, where, src);
}

Tensor log_softmax(const Tensor& src, std::int64_t axis, Location where) {
  const int at = normalize_axis("log_softmax", axis, src.dim());
  if (src.dim() == 0) return squeeze(log_softmax(unsqueeze(src, 0, where), 0, where), 0, where);
  return apply(LogSoftmax{at}, where, src);
}

}  // namespace dagrad
