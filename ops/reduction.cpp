#include "dagrad/ops/reduction.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/axis_set.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise_trace.h"
#include "dagrad/ops/scan.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using fold::Kind;

/// The type that sums and products of `src` have.
DType wide_type(const Tensor& src) { return is_floating(src.dtype()) ? src.dtype() : i64; }

struct Sum : OverAxes {
  static constexpr std::string_view name = "sum";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Spec infer(const Tensor& src) const { return {shape_of(src.shape()), wide_type(src)}; }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (pointwise::detail::trace != nullptr) return pointwise::detail::trace->sum(src, dst, 1);
    fold::fold_into(Kind::sum, src, axes, dst);
  }
  // diff_src = diff_dst, repeated
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Shape& shape = ctx.input_shape(0);
    ctx.give(0, expand(aligned(diff_dst, shape), shape));
  }
};

struct Mean : OverAxes {
  static constexpr std::string_view name = "mean";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Spec infer(const Tensor& src) const {
    check_floating(name, src.dtype());
    return {shape_of(src.shape()), src.dtype()};
  }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    const auto count = static_cast<double>(axes.length(src.shape()));
    if (pointwise::detail::trace != nullptr) return pointwise::detail::trace->sum(src, dst, count);
    const fold::Writer write(dst);
    fold::fold(Kind::sum, src, axes, nullptr, [&](std::int64_t at, double total) { write(at, total / count); });
  }
  // diff_src = diff_dst / n, repeated
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Shape& shape = ctx.input_shape(0);
    ctx.give(0, expand(aligned(diff_dst / static_cast<double>(axes.length(shape)), shape), shape));
  }
};

/// `t` with the axes of the set at the end, as one; and back.
struct AsLast {
  std::vector<std::int64_t> order;
  Shape moved;

  AsLast(AxisSet axes, const Shape& shape) {
    for (const bool reduced : {false, true}) {
      for (int i = 0; i < shape.rank(); ++i) {
        if (axes.has(i) != reduced) continue;
        order.push_back(i);
        moved.push_back(shape[i]);
      }
    }
    length_ = axes.length(shape);
    for (const std::int64_t i : axes.dropped(shape)) rows_ *= i;
  }
  Tensor there(const Tensor& t) const { return reshape(permute(t, order), {rows_, length_}); }
  Tensor back(const Tensor& t) const {
    std::vector<std::int64_t> inverse(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
    return permute(reshape(t, moved), inverse);
  }

 private:
  std::int64_t rows_ = 1, length_ = 1;
};

/// The product of all elements of a row but the one at each place: of those before it and those after it. Products
/// alone, so that any derivative is right where elements are 0.
Tensor product_of_others(const Tensor& src, AxisSet axes) {
  const AsLast last(axes, src.shape());
  const Tensor rows = last.there(src), one = ones({rows.size(0), 1}, src.dtype());
  const std::int64_t others = rows.size(1) - 1;
  const Tensor before = cat({one, narrow(cumprod(rows, 1), 1, 0, others)}, 1);
  const Tensor after = cat({narrow(cumprod(rows, 1, true), 1, 1, others), one}, 1);
  return last.back(before * after);
}

/// Whether quotients by what the elements of `t` are products of are safe: none is 0, too small or infinite.
bool all_normal(const Tensor& t) {
  const double least =
      t.dtype() == f64 ? std::numeric_limits<double>::min() : static_cast<double>(std::numeric_limits<float>::min());
  double smallest = 0, largest = 0;
  const AxisSet axes = AxisSet::all(t.dim());
  fold::fold(Kind::smallest_absolute, t, axes, nullptr, [&](std::int64_t, double x) { smallest = x; });
  fold::fold(Kind::largest_absolute, t, axes, nullptr, [&](std::int64_t, double x) { largest = x; });
  return smallest >= least && std::isfinite(largest);
}

struct Prod : OverAxes {
  static constexpr std::string_view name = "prod";
  Spec infer(const Tensor& src) const { return {shape_of(src.shape()), wide_type(src)}; }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(src);
    ctx.save(dst);
    fold::fold_into(Kind::product, src, axes, dst);
  }
  // diff_src[i] = diff_dst times the product of all src but src[i], which is dst / src[i] unless dst is 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0), dst = ctx.saved(1), share = aligned(diff_dst, src.shape());
    if (src.numel() == 0)
      ctx.give(0, zeros_like(src));
    else if (all_normal(dst))
      ctx.give(0, share * aligned(dst, src.shape()) / src);
    else
      ctx.give(0, share * product_of_others(src, axes));
  }
};

/// all and any: what the number of elements that are not 0 says.
template <class Derived>
struct Test : OverAxes {
  Spec infer(const Tensor& src) const { return {shape_of(src.shape()), boolean}; }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    bool* to = dst.mutable_data<bool>();
    const std::int64_t length = axes.length(src.shape());
    const auto take = [to, length](std::int64_t at, auto count) {
      to[at] = Derived::holds(static_cast<std::int64_t>(count), length);
    };
    if (is_floating(src.dtype()))
      fold::fold(Kind::count_of_nonzeros, src, axes, nullptr, take);
    else
      fold::fold_integers(Kind::count_of_nonzeros, src, axes, take);
  }
};
struct All : Test<All> {
  static constexpr std::string_view name = "all";
  static bool holds(std::int64_t count, std::int64_t length) { return count == length; }
};
struct Any : Test<Any> {
  static constexpr std::string_view name = "any";
  static bool holds(std::int64_t count, std::int64_t) { return count > 0; }
};

template <class Op>
Tensor over(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  Op op;
  op.axes = AxisSet::of(Op::name, axes, src.dim());
  op.keepdim = keepdim;
  return apply(op, where, src);
}

}  // namespace

Tensor sum(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<Sum>(src, axes, keepdim, where);
}
Tensor mean(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<Mean>(src, axes, keepdim, where);
}
Tensor prod(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<Prod>(src, axes, keepdim, where);
}
Tensor all(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<All>(src, axes, keepdim, where);
}
Tensor any(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<Any>(src, axes, keepdim, where);
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
