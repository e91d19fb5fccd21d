#include "dagrad/ops/reduction.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/column_sums.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/row_reductions.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

constexpr std::int64_t kGrain = 64 << 10;  // elements that are worth a thread

/// The reduced axes as a set of bits.
struct AxisSet {
  unsigned bits = 0;

  static AxisSet of(std::string_view op, const Axes& axes, int rank) {
    AxisSet set;
    for (const int axis : normalize_axes(op, axes, rank)) set.bits |= 1u << axis;
    return set;
  }
  bool has(int axis) const { return (bits >> axis & 1u) != 0; }
  /// `shape` with the reduced axes as 1.
  Shape kept(Shape shape) const {
    for (int i = 0; i < shape.rank(); ++i) {
      if (has(i)) shape[i] = 1;
    }
    return shape;
  }
  /// `shape` without the reduced axes.
  Shape dropped(const Shape& shape) const {
    Shape result;
    for (int i = 0; i < shape.rank(); ++i) {
      if (!has(i)) result.push_back(shape[i]);
    }
    return result;
  }
  /// How many elements become one.
  std::int64_t length(const Shape& shape) const {
    std::int64_t count = 1;
    for (int i = 0; i < shape.rank(); ++i) count *= has(i) ? shape[i] : 1;
    return count;
  }
  bool leading(int rank) const {
    for (int i = 1; i < rank; ++i) {
      if (has(i) && !has(i - 1)) return false;
    }
    return has(0);
  }
  Axes list() const {
    Axes result;
    for (int i = 0; i < kMaxRank; ++i) {
      if (has(i)) result.push_back(i);
    }
    return result;
  }
  std::string str() const {
    std::string text = "axes=[";
    for (const std::int64_t axis : list()) text += fmt::format("{}{}", text.back() == '[' ? "" : ", ", axis);
    return text + "]";
  }
};

/// bf16 is summed in f32, small integers in i64.
DType compute_type(DType dtype) {
  if (dtype == f32 || dtype == bf16) return f32;
  return dtype == f64 ? f64 : i64;
}

/// `src` as [kept axes, reduced axes], row-major and of the type to compute in.
Tensor as_rows(const Tensor& src, AxisSet axes) {
  Shape shape;
  Strides strides;
  for (const bool reduced : {false, true}) {
    for (int i = 0; i < src.dim(); ++i) {
      if (axes.has(i) != reduced) continue;
      shape.push_back(src.shape()[i]);
      strides.push_back(src.strides()[i]);
    }
  }
  Tensor view = src.alias(shape, strides, src.offset());
  if (view.is_contiguous() && src.dtype() == compute_type(src.dtype())) return view;
  Tensor rows = Tensor::allocate({shape, compute_type(src.dtype())});
  copy_elements(view, rows);
  return rows;
}

/// dst[i] = reduce(row i, length): rows are shared out among threads, each row is one thread's.
template <class T, class Reduce>
void reduce_rows(const Tensor& rows, std::int64_t length, Tensor& dst, const Reduce& reduce) {
  const T* from = rows.data<T>();
  T* to = dst.mutable_data<T>();
  const std::int64_t count = dst.numel();
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = reduce(from + i * length, length);
  };
  if (count * length <= kGrain)
    run(0, count);
  else
    parallel_for(count, std::max<std::int64_t>(1, kGrain / length), run);
}

/// A single long row, in pieces of fixed length whose sums are added in order.
float sum_long(const float* x, std::int64_t count) {
  constexpr std::int64_t kPiece = 64 << 10;
  const std::int64_t pieces = (count + kPiece - 1) / kPiece;
  std::vector<float> parts(static_cast<std::size_t>(pieces));
  parallel_for(pieces, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      parts[static_cast<std::size_t>(i)] = rows::sum(x + i * kPiece, std::min(kPiece, count - i * kPiece));
  });
  double total = 0;
  for (const float part : parts) total += static_cast<double>(part);
  return static_cast<float>(total);
}

void sum_into(const Tensor& src, AxisSet axes, Tensor& dst) {
  if (src.numel() == 0) {
    dst.zero_();
    return;
  }
  if (is_floating(src.dtype()) && src.is_contiguous() && axes.leading(src.dim()) && dst.numel() > 1) {
    const std::int64_t columns = dst.numel();
    Tensor flat = dst.alias({columns}, {1}, dst.offset());
    return column_sums(src.alias({src.numel() / columns, columns}, {columns, 1}, src.offset()), flat);
  }
  const Tensor rows = as_rows(src, axes);
  const std::int64_t length = axes.length(src.shape());
  Tensor result = dst.dtype() == rows.dtype() ? dst : Tensor::allocate({dst.shape(), rows.dtype()});
  switch (rows.dtype()) {
    case DType::f64:
      reduce_rows<double>(rows, length, result, [](const double* x, std::int64_t n) { return rows::sum(x, n); });
      break;
    case DType::f32:
      if (result.numel() == 1 && length > kGrain)
        *result.mutable_data<float>() = sum_long(rows.data<float>(), length);
      else
        reduce_rows<float>(rows, length, result, [](const float* x, std::int64_t n) { return rows::sum(x, n); });
      break;
    default:
      reduce_rows<std::int64_t>(rows, length, result,
                                [](const std::int64_t* x, std::int64_t n) { return rows::sum(x, n); });
  }
  if (!result.is_same(dst)) copy_elements(result, dst);
}

struct OverAxes {
  AxisSet axes;
  bool keepdim;
  std::string attributes() const { return axes.str() + (keepdim ? ", keepdim" : ""); }
  Shape shape_of(const Shape& src) const { return keepdim ? axes.kept(src) : axes.dropped(src); }
};

struct Sum : OverAxes {
  static constexpr std::string_view name = "sum";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Spec infer(const Tensor& src) const { return {shape_of(src.shape()), is_floating(src.dtype()) ? src.dtype() : i64}; }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { sum_into(src, axes, dst); }
  // diff_src = diff_dst, repeated
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Shape& shape = ctx.input_shape(0);
    ctx.give(0, expand(keepdim ? diff_dst : reshape(diff_dst, axes.kept(shape)), shape));
  }
};

struct Mean : OverAxes {
  static constexpr std::string_view name = "mean";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Spec infer(const Tensor& src) const {
    if (!is_floating(src.dtype()))
      throw DTypeError(fmt::format("mean: {} (want f32, bf16 or f64; cast with to())", name_of(src.dtype())));
    return {shape_of(src.shape()), src.dtype()};
  }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    const auto count = static_cast<double>(axes.length(src.shape()));
    Tensor total = dst.dtype() == bf16 ? Tensor::allocate({dst.shape(), f32}) : dst;
    sum_into(src, axes, total);
    if (total.dtype() == f64)
      divide<double>(total, count);
    else
      divide<float>(total, static_cast<float>(count));
    if (!total.is_same(dst)) copy_elements(total, dst);
  }
  // diff_src = diff_dst / n, repeated
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Shape& shape = ctx.input_shape(0);
    const Tensor share = diff_dst / static_cast<double>(axes.length(shape));
    ctx.give(0, expand(keepdim ? share : reshape(share, axes.kept(shape)), shape));
  }

 private:
  template <class T>
  static void divide(Tensor& t, T by) {
    T* x = t.mutable_data<T>();
    for (std::int64_t i = 0; i < t.numel(); ++i) x[i] /= by;
  }
};

struct Max : OverAxes {
  static constexpr std::string_view name = "max";
  Spec infer(const Tensor& src) const {
    const Shape shape = shape_of(src.shape());
    if (axes.length(src.shape()) == 0)
      throw ShapeError(
          fmt::format("max: {} over {} (want at least one element along the axes)", src.shape().str(), axes.str()));
    return {shape, src.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(src);
    ctx.save(dst);
    if (dst.numel() == 0) return;
    const Tensor rows = as_rows(src, axes);
    const std::int64_t length = axes.length(src.shape());
    Tensor result = dst.dtype() == rows.dtype() ? dst : Tensor::allocate({dst.shape(), rows.dtype()});
    switch (rows.dtype()) {
      case DType::f64:
        reduce_rows<double>(rows, length, result, [](const double* x, std::int64_t n) { return rows::max(x, n); });
        break;
      case DType::f32:
        reduce_rows<float>(rows, length, result, [](const float* x, std::int64_t n) { return rows::max(x, n); });
        break;
      default:
        reduce_rows<std::int64_t>(rows, length, result,
                                  [](const std::int64_t* x, std::int64_t n) { return rows::max(x, n); });
    }
    if (!result.is_same(dst)) copy_elements(result, dst);
  }
  // diff_src = diff_dst / (number of maxima) at the maxima
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0);
    const Shape kept = axes.kept(src.shape());
    const Tensor maxima = to(eq(src, reshape(ctx.saved(1), kept)), src.dtype());
    const Tensor share = reshape(diff_dst, kept) / sum(maxima, axes.list(), true);
    ctx.give(0, maxima * share);
  }
};

struct Argmax {
  static constexpr std::string_view name = "argmax";
  int axis;
  bool keepdim;

  Spec infer(const Tensor& src) const {
    Shape shape = src.shape();
    if (shape.rank() > 0) {
      if (shape[axis] == 0)
        throw ShapeError(
            fmt::format("argmax: {} along axis {} (want at least one element along it)", shape.str(), axis));
      if (keepdim)
        shape[axis] = 1;
      else
        shape.erase(axis);
    }
    return {shape, i64};
  }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (dst.numel() == 0) return;
    const Tensor rows = as_rows(src, AxisSet{src.dim() == 0 ? 0u : 1u << axis});
    const std::int64_t length = src.dim() == 0 ? 1 : src.shape()[axis];
    std::int64_t* to = dst.mutable_data<std::int64_t>();
    visit_dtype(rows.dtype(), [&]<class T>(T) {
      const T* from = rows.data<T>();
      for (std::int64_t i = 0; i < dst.numel(); ++i) to[i] = first_largest(from + i * length, length);
    });
  }

 private:
  template <class T>
  static std::int64_t first_largest(const T* x, std::int64_t count) {
    if constexpr (!std::is_same_v<T, BFloat16>) {
      std::int64_t best = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        if (std::isnan(static_cast<double>(x[i]))) return i;
        if (x[i] > x[best]) best = i;
      }
      return best;
    }
    return 0;  // as_rows gives f32 for bf16
  }
};

}  // namespace

Tensor sum(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return apply(Sum{{AxisSet::of("sum", axes, src.dim()), keepdim}}, where, src);
}

Tensor mean(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return apply(Mean{{AxisSet::of("mean", axes, src.dim()), keepdim}}, where, src);
}

Tensor max(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return apply(Max{{AxisSet::of("max", axes, src.dim()), keepdim}}, where, src);
}

Tensor argmax(const Tensor& src, std::int64_t axis, bool keepdim, Location where) {
  return apply(Argmax{normalize_axis("argmax", axis, src.dim()), keepdim}, where, src);
}

Tensor sum_to(const Tensor& src, const Shape& shape, Location where) {
  if (src.shape() == shape) return src;
  const int lead = src.dim() - shape.rank();
  Axes axes;
  for (int i = 0; i < src.dim(); ++i) {
    const std::int64_t target = i < lead ? 1 : shape[i - lead];
    if (lead < 0 || (target != src.shape()[i] && target != 1)) {
      throw ShapeError(fmt::format("sum_to: {} to {} (want a shape that broadcasts to the source's)", src.shape().str(),
                                   shape.str()));
    }
    if (i < lead || (target == 1 && src.shape()[i] != 1)) axes.push_back(i);
  }
  const Tensor total = axes.empty() ? src : sum(src, axes, true, where);
  return lead > 0 ? reshape(total, shape, where) : total;
}

}  // namespace dagrad
