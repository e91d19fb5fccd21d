#include "dagrad/ops/extremum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/axis_set.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/equal_shares.h"
#include "dagrad/ops/first_best.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/reduce_loop.h"

namespace dagrad {
namespace {

using fold::Kind;

template <class Derived, Kind kKind>
struct Extremum : OverAxes {
  Spec infer(const Tensor& src) const {
    check_not_empty(Derived::name, axes, src.shape());
    return {shape_of(src.shape()), src.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(src);
    ctx.save(dst);
    fold::fold_into(kKind, src, axes, dst);
  }
  // diff_src = diff_dst / (number of extrema) at the extrema
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, equal_shares(*this, diff_dst, ctx.saved(0), ctx.saved(1)));
  }
};

struct Max : Extremum<Max, Kind::largest> {
  static constexpr std::string_view name = "max";
};
struct Min : Extremum<Min, Kind::smallest> {
  static constexpr std::string_view name = "min";
};

/// The first of the best elements: the largest, or the smallest; NaN before any.
template <class T, Kind kKind>
struct FirstBest {
  using Value = T;
  struct Total {
    T value;
    std::int64_t index;
  };
  static constexpr std::int64_t kRow = fold::kRowBlock, kRows = fold::kColumnBlock;
  static constexpr bool kWidens = false;
  static constexpr first_best::Order kOrder =
      kKind == Kind::largest ? first_best::Order::largest : first_best::Order::smallest;
  std::int64_t* to;

  Total start() const { return {T{}, -1}; }
  void row(Total& total, const T* x, std::int64_t count, std::int64_t first, std::int64_t) const {
    const T best = best_of(x, count);
    if (total.index >= 0 && !beats(best, total.value)) return;
    total = {best, first + place_of(x, count, best)};
  }
  void columns(Total* totals, const T* x, std::int64_t stride, std::int64_t rows, std::int64_t count,
               std::int64_t first, const Results&) const {
    if constexpr (std::is_same_v<T, float>) {
      std::array<float, 1024> best;
      std::array<std::int32_t, 1024> place;
      const bool fresh = totals[0].index < 0;  // as all of them are, then
      for (std::int64_t j = 0; j < count; ++j) {
        const auto at = static_cast<std::size_t>(j);
        best[at] = fresh ? x[j] : totals[j].value;
        place[at] = fresh ? 0 : -1;
      }
      first_best::columns(kOrder, x, stride, rows, count, best.data(), place.data());
      for (std::int64_t j = 0; j < count; ++j) {
        const auto at = static_cast<std::size_t>(j);
        if (place[at] >= 0) totals[j] = {best[at], first + place[at]};
      }
    } else {
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < count; ++j) {
          const T value = x[i * stride + j];
          if (totals[j].index < 0 || beats(value, totals[j].value)) totals[j] = {value, first + i};
        }
      }
    }
  }
  void join(Total& total, const Total& other) const {
    if (total.index < 0 || (other.index >= 0 && beats(other.value, total.value))) total = other;
  }
  void finish(std::int64_t at, const Total& total) const { to[at] = total.index; }

 private:
  static bool is_nan(T x) {
    if constexpr (std::is_floating_point_v<T>)
      return std::isnan(x);
    else
      return false;
  }
  static bool beats(T a, T b) {
    const bool ahead = kKind == Kind::largest ? a > b : a < b;
    return ahead || (is_nan(a) && !is_nan(b));
  }
  static std::int64_t place_of(const T* x, std::int64_t count, T best) {
    if constexpr (std::is_same_v<T, float>) return first_best::place_of(x, count, best);
    std::int64_t i = 0;
    while (x[i] != best && !is_nan(x[i])) ++i;
    return i;
  }
  static T best_of(const T* x, std::int64_t count) {
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<T>(fold::row(kKind, x, count, 0));
    else
      return fold::row(kKind, x, count);
  }
};

template <class Derived, Kind kKind>
struct ArgExtremum {
  int axis = 0;
  bool keepdim = false;

  std::string attributes() const { return fmt::format("axis={}{}", axis, keepdim ? ", keepdim" : ""); }
  Spec infer(const Tensor& src) const {
    Shape shape = src.shape();
    if (shape.rank() > 0) {
      if (shape[axis] == 0)
        throw ShapeError(
            fmt::format("{}: {} along axis {} (want at least one element along it)", Derived::name, shape.str(), axis));
      if (keepdim)
        shape[axis] = 1;
      else
        shape.erase(axis);
    }
    return {shape, i64};
  }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (dst.numel() == 0) return;
    const AxisSet axes = AxisSet::one(axis, src.dim());
    std::int64_t* to = dst.mutable_data<std::int64_t>();
    switch (src.dtype()) {
      case DType::f32: return reduce_loop<float>(src, axes, FirstBest<float, kKind>{to});
      case DType::bf16: return reduce_loop<BFloat16>(src, axes, FirstBest<float, kKind>{to});
      case DType::f64: return reduce_loop<double>(src, axes, FirstBest<double, kKind>{to});
      case DType::i64: return reduce_loop<std::int64_t>(src, axes, FirstBest<std::int64_t, kKind>{to});
      case DType::u8: return reduce_loop<std::uint8_t>(src, axes, FirstBest<std::int64_t, kKind>{to});
      case DType::boolean: return reduce_loop<bool>(src, axes, FirstBest<std::int64_t, kKind>{to});
    }
  }
};

struct Argmax : ArgExtremum<Argmax, Kind::largest> {
  static constexpr std::string_view name = "argmax";
};
struct Argmin : ArgExtremum<Argmin, Kind::smallest> {
  static constexpr std::string_view name = "argmin";
};

template <class Op>
Tensor over(std::string_view name, const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  Op op;
  op.axes = AxisSet::of(name, axes, src.dim());
  op.keepdim = keepdim;
  return apply(op, where, src);
}

template <class Op>
Tensor along(const Tensor& src, std::int64_t axis, bool keepdim, Location where) {
  Op op;
  op.axis = normalize_axis(Op::name, axis, src.dim());
  op.keepdim = keepdim;
  return apply(op, where, src);
}

}  // namespace

Tensor max(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<Max>("max", src, axes, keepdim, where);
}
Tensor min(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<Min>("min", src, axes, keepdim, where);
}
Tensor amax(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<Max>("amax", src, axes, keepdim, where);
}
Tensor amin(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  return over<Min>("amin", src, axes, keepdim, where);
}

Tensor argmax(const Tensor& src, std::int64_t axis, bool keepdim, Location where) {
  return along<Argmax>(src, axis, keepdim, where);
}
Tensor argmin(const Tensor& src, std::int64_t axis, bool keepdim, Location where) {
  return along<Argmin>(src, axis, keepdim, where);
}

}  // namespace dagrad
