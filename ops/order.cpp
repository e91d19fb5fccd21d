#include "dagrad/ops/order.h"

#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/axis_set.h"
#include "dagrad/ops/equal_shares.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/indexing.h"
#include "dagrad/ops/order_kernels.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using order::Want;

/// A view of `t` with `axis` last.
Tensor axis_last(const Tensor& t, int axis) {
  Shape shape = t.shape();
  Strides strides = t.strides();
  for (int i = axis; i + 1 < shape.rank(); ++i) {
    std::swap(shape[i], shape[i + 1]);
    std::swap(strides[i], strides[i + 1]);
  }
  return t.alias(shape, strides, t.offset());
}

/// Some of the elements along an axis in order, and where they stood. `count` is how many there are in the result.
struct Ordered {
  int axis = 0;
  std::int64_t count = 0;
  bool keepdim = true;

  std::array<Spec, 2> infer_both(const Tensor& src) const {
    Shape shape = src.shape();
    if (shape.rank() > 0 && !keepdim)
      shape.erase(axis);
    else if (shape.rank() > 0)
      shape[axis] = count;
    return {Spec{shape, src.dtype()}, Spec{shape, i64}};
  }
  void run(Want want, Forward& ctx, const Tensor& src, std::array<Tensor, 2>& dst) const {
    ctx.save(dst[1]);
    if (dst[0].numel() == 0) return;
    want.count = count;
    if (src.dim() == 0) {
      copy_elements(src, dst[0]);
      dst[1].zero_();
      return;
    }
    const Tensor rows = contiguous_data(axis_last(src, axis));
    Tensor values = keepdim ? axis_last(dst[0], axis) : dst[0], indices = keepdim ? axis_last(dst[1], axis) : dst[1];
    Tensor value_rows = values.is_contiguous() ? values : Tensor::allocate(values.spec());
    Tensor index_rows = indices.is_contiguous() ? indices : Tensor::allocate(indices.spec());
    order::order_rows(want, rows, value_rows, index_rows);
    if (!value_rows.is_same(values)) copy_elements(value_rows, values);
    if (!index_rows.is_same(indices)) copy_elements(index_rows, indices);
  }
  // diff_src = diff_values at the indices, 0 elsewhere
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    if (!diff[0].defined()) return;
    const Tensor indices = ctx.saved(0);
    if (indices.dim() == 0 && ctx.input_shape(0).rank() == 0) return ctx.give(0, diff[0]);
    const auto whole = [this](const Tensor& t) { return keepdim ? t : unsqueeze(t, axis); };
    const Tensor zeros_of_src = zeros(ctx.input_shape(0), diff[0].dtype());
    ctx.give(0, scatter_add(zeros_of_src, axis, whole(indices), whole(diff[0])));
  }
};

struct Sort : Ordered {
  static constexpr std::string_view name = "sort";
  bool descending = false;

  std::string attributes() const { return fmt::format("axis={}{}", axis, descending ? ", descending" : ""); }
  std::array<Spec, 2> infer(const Tensor& src) const { return infer_both(src); }
  void forward(Forward& ctx, const Tensor& src, std::array<Tensor, 2>& dst) const {
    run({.first = 0, .descending = descending}, ctx, src, dst);
  }
};

struct Topk : Ordered {
  static constexpr std::string_view name = "topk";
  bool largest = true;

  std::string attributes() const { return fmt::format("k={}, axis={}{}", count, axis, largest ? "" : ", smallest"); }
  std::array<Spec, 2> infer(const Tensor& src) const {
    const std::int64_t size = src.dim() == 0 ? 1 : src.shape()[axis];
    if (count < 0 || count > size || (src.dim() == 0 && count != 1)) {
      throw ShapeError(fmt::format("topk: k is {} for {} along axis {} (want {} to {})", count, src.shape().str(), axis,
                                   src.dim() == 0 ? 1 : 0, size));
    }
    return infer_both(src);
  }
  void forward(Forward& ctx, const Tensor& src, std::array<Tensor, 2>& dst) const {
    run({.first = 0, .descending = largest}, ctx, src, dst);
  }
};

struct Kthvalue : Ordered {
  static constexpr std::string_view name = "kthvalue";
  std::int64_t k = 1;

  std::string attributes() const { return fmt::format("k={}, axis={}{}", k, axis, keepdim ? ", keepdim" : ""); }
  std::array<Spec, 2> infer(const Tensor& src) const {
    const std::int64_t size = src.dim() == 0 ? 1 : src.shape()[axis];
    if (k < 1 || k > size) {
      throw ShapeError(
          fmt::format("kthvalue: k is {} for {} along axis {} (want 1 to {})", k, src.shape().str(), axis, size));
    }
    return infer_both(src);
  }
  void forward(Forward& ctx, const Tensor& src, std::array<Tensor, 2>& dst) const {
    run({.first = k - 1, .descending = false}, ctx, src, dst);
  }
};

struct Median : OverAxes {
  static constexpr std::string_view name = "median";
  Spec infer(const Tensor& src) const {
    check_not_empty(name, axes, src.shape());
    return {shape_of(src.shape()), src.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(src);
    ctx.save(dst);
    if (dst.numel() > 0) order::median_rows(rows_of(src), axes.length(src.shape()), dst);
  }
  // diff_src = diff_dst / (number of elements equal to dst) at those
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, equal_shares(*this, diff_dst, ctx.saved(0), ctx.saved(1)));
  }

 private:
  /// `src` as [kept axes, reduced axes], row-major.
  Tensor rows_of(const Tensor& src) const {
    Shape shape;
    Strides strides;
    for (const bool reduced : {false, true}) {
      for (int i = 0; i < src.dim(); ++i) {
        if (axes.has(i) != reduced) continue;
        shape.push_back(src.shape()[i]);
        strides.push_back(src.strides()[i]);
      }
    }
    return contiguous_data(src.alias(shape, strides, src.offset()));
  }
};

ValuesAndIndices both(const std::array<Tensor, 2>& results) { return {results[0], results[1]}; }

}  // namespace

ValuesAndIndices sort(const Tensor& src, std::int64_t axis, bool descending, Location where) {
  Sort op;
  op.axis = normalize_axis("sort", axis, src.dim());
  op.count = src.dim() == 0 ? 1 : src.shape()[op.axis];
  op.descending = descending;
  return both(apply(op, where, src));
}

Tensor argsort(const Tensor& src, std::int64_t axis, bool descending, Location where) {
  normalize_axis("argsort", axis, src.dim());
  return sort(src.detach(), axis, descending, where).indices;
}

ValuesAndIndices topk(const Tensor& src, std::int64_t k, const TopkOptions& options, Location where) {
  Topk op;
  op.axis = normalize_axis("topk", options.axis, src.dim());
  op.count = k;
  op.largest = options.largest;
  return both(apply(op, where, src));
}

ValuesAndIndices kthvalue(const Tensor& src, std::int64_t k, std::int64_t axis, bool keepdim, Location where) {
  Kthvalue op;
  op.axis = normalize_axis("kthvalue", axis, src.dim());
  op.count = 1;
  op.keepdim = keepdim;
  op.k = k;
  return both(apply(op, where, src));
}

Tensor median(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  Median op;
  op.axes = AxisSet::of("median", axes, src.dim());
  op.keepdim = keepdim;
  return apply(op, where, src);
}

}  // namespace dagrad
