#include "dagrad/ops/statistics.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <vector>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/strided_loop.h"
#include "dagrad/ops/axis_set.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/equal_shares.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using fold::Kind;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// A number for each result.
using Numbers = std::vector<double>;

Numbers folded(Kind kind, const Tensor& src, AxisSet axes, std::int64_t results) {
  Numbers numbers(static_cast<std::size_t>(results));
  fold::fold(kind, src, axes, nullptr,
             [&](std::int64_t at, double result) { numbers[static_cast<std::size_t>(at)] = result; });
  return numbers;
}

bool has_zeros(const Tensor& t) {
  bool found = false;
  fold::fold(Kind::smallest_absolute, t, AxisSet::all(t.dim()), nullptr,
             [&](std::int64_t, double smallest) { found = smallest == 0; });
  return found;
}

/// a / b, and 0 where b is 0. In ops.
Tensor quotient_or_zero(const Tensor& a, const Tensor& b) {
  if (!has_zeros(b)) return a / b;
  const Tensor zero = eq(b, 0);
  return masked_fill(a / masked_fill(b, zero, 1), zero, 0);
}

/// The first element that goes into each result.
Numbers first_elements(const Tensor& src, AxisSet axes, std::int64_t results) {
  Tensor first = src.alias(axes.kept(src.shape()), src.strides(), src.offset());
  Tensor exact = Tensor::allocate({first.shape(), f64});
  copy_elements(first, exact);
  const double* from = exact.data<double>();
  return {from, from + results};
}

/// The means, by the distances from the first elements: exact where all elements are equal.
Numbers means_of(const Tensor& src, AxisSet axes, std::int64_t results) {
  if (src.numel() == 0) return Numbers(static_cast<std::size_t>(results), std::nan(""));
  const Numbers first = first_elements(src, axes, results);
  const auto length = static_cast<double>(axes.length(src.shape()));
  Numbers means(static_cast<std::size_t>(results));
  fold::fold(Kind::sum_of_distances, src, axes, first.data(), [&](std::int64_t at, double total) {
    const auto i = static_cast<std::size_t>(at);
    means[i] = first[i] + total / length;
  });
  return means;
}

/// dst = src - mean(src, axes), with the mean and the difference of f32 and bf16 in f64: what is left of numbers that
/// are large in comparison with their spread is right to the last bit.
struct Center {
  static constexpr std::string_view name = "center";
  AxisSet axes;

  std::string attributes() const { return axes.str(); }
  static Spec infer(const Tensor& src) { return src.spec_with_format(); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    if (dst.numel() == 0) return;
    const Shape kept = axes.kept(src.shape());
    const Numbers means = means_of(src, axes, checked_numel(name, kept));
    const Strides mean_strides = broadcast_strides(kept, contiguous_strides(kept), src.shape());
    const StridedLoop<3> loop(src.shape(), {&dst.strides(), &src.strides(), &mean_strides});
    visit_dtype(dst.dtype(), [&]<class T>(T) {
      const T* from = src.data<T>();
      T* to = dst.mutable_data<T>();
      for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t count) {
        subtract(from + at[1], loop.row_stride(1), means.data() + at[2], loop.row_stride(2), to + at[0], count);
      });
    });
  }
  // diff_src = diff_dst - mean(diff_dst, axes)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(*this, Location::current(), diff_dst));
  }

 private:
  static constexpr std::int64_t kGrain = 32 << 10;  // elements that are worth a thread
  template <class T>
  static void subtract(const T* x, std::int64_t step, const double* means, std::int64_t mean_step, T* dst,
                       std::int64_t count) {
    if (step == 1 && mean_step == 0) {  // so that the loop is one of vectors
      const double mean = *means;
      for (std::int64_t i = 0; i < count; ++i) dst[i] = convert_to<T>(convert_to<double>(x[i]) - mean);
      return;
    }
    for (std::int64_t i = 0; i < count; ++i)
      dst[i] = convert_to<T>(convert_to<double>(x[i * step]) - means[i * mean_step]);
  }
};

struct Spread : OverAxes {
  double correction = 1;

  std::string attributes() const { return fmt::format("{}, correction={}", OverAxes::attributes(), correction); }
  double divisor(const Shape& src) const { return std::fmax(0, static_cast<double>(axes.length(src)) - correction); }
  /// Calls take(at, variance) for each result.
  template <class Take>
  void variances(const Tensor& src, const Tensor& dst, const Take& take) const {
    const Numbers means = means_of(src, axes, dst.numel());
    const double by = divisor(src.shape());
    fold::fold(Kind::sum_of_squared_distances, src, axes, means.data(),
               [&](std::int64_t at, double total) { take(at, total / by); });
  }
  /// (src - mean) scale / divisor, which the gradients are. In ops.
  Tensor distances(const Tensor& src, const Tensor& scale) const {
    return apply(Center{axes}, Location::current(), src) * (scale / divisor(src.shape()));
  }
};

struct Var : Spread {
  static constexpr std::string_view name = "var";
  Spec infer(const Tensor& src) const {
    check_floating(name, src.dtype());
    return {shape_of(src.shape()), src.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(src);
    const fold::Writer write(dst);
    variances(src, dst, write);
  }
  // diff_src = 2 diff_dst (src - mean) / (n - correction)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0);
    ctx.give(0, distances(src, aligned(diff_dst, src.shape()) * 2));
  }
};

struct Std : Spread {
  static constexpr std::string_view name = "std";
  Spec infer(const Tensor& src) const {
    check_floating(name, src.dtype());
    return {shape_of(src.shape()), src.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(src);
    ctx.save(dst);
    const fold::Writer write(dst);
    variances(src, dst, [&](std::int64_t at, double variance) { write(at, std::sqrt(variance)); });
  }
  // diff_src = diff_dst (src - mean) / (n - correction) / dst, and 0 where dst is 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0), dst = aligned(ctx.saved(1), src.shape());
    ctx.give(0, distances(src, quotient_or_zero(aligned(diff_dst, src.shape()), dst)));
  }
};

struct Norm : OverAxes {
  static constexpr std::string_view name = "norm";
  double p = 2;

  std::string attributes() const { return fmt::format("p={}, {}", p, OverAxes::attributes()); }
  Spec infer(const Tensor& src) const {
    if (std::isnan(p)) throw UsageError("norm: p is nan (want a number, inf or -inf)");
    check_floating(name, src.dtype());
    const Shape shape = shape_of(src.shape());
    if (axes.length(src.shape()) == 0 && (p < 0 || p == kInf)) {
      throw ShapeError(fmt::format("norm: {} over {} with p={} (want at least one element along the axes)",
                                   src.shape().str(), axes.str(), p));
    }
    return {shape, src.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(src);
    ctx.save(dst);
    const fold::Writer write(dst);
    if (p == 2) {
      fold::fold(Kind::sum_of_squares, src, axes, nullptr,
                 [&](std::int64_t at, double sum) { write(at, std::sqrt(sum)); });
    } else if (const auto kind = plain_kind()) {
      fold::fold(*kind, src, axes, nullptr, [&](std::int64_t at, double result) { write(at, result); });
    } else {
      const Numbers exponents(static_cast<std::size_t>(dst.numel()), p);
      fold::fold(Kind::sum_of_powers, src, axes, exponents.data(),
                 [&](std::int64_t at, double sum) { write(at, std::pow(sum, 1 / p)); });
    }
  }
  // diff_src = diff_dst sign(src) (|src| / dst)^(p - 1), and 0 where dst or src is 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0), dst = ctx.saved(1);
    const Tensor kept = aligned(dst, src.shape()), diff = aligned(diff_dst, src.shape());
    if (p == 0)
      ctx.give(0, zeros_like(src));
    else if (p == 1)
      ctx.give(0, diff * sign(src));
    else if (p == 2)
      ctx.give(0, src * quotient_or_zero(diff, kept));
    else if (std::isinf(p))
      ctx.give(0, equal_shares(*this, diff_dst, abs(src), dst) * sign(src));
    else
      ctx.give(0, diff * directions(src, kept));
  }

 private:
  std::optional<Kind> plain_kind() const {
    if (p == 0) return Kind::count_of_nonzeros;
    if (p == 1) return Kind::sum_of_absolutes;
    if (p == kInf) return Kind::largest_absolute;
    if (p == -kInf) return Kind::smallest_absolute;
    return std::nullopt;
  }
  /// sign(src) (|src| / dst)^(p - 1), and 0 where dst or src is 0, whatever the power of 0 is. In ops.
  Tensor directions(const Tensor& src, const Tensor& dst) const {
    if (!has_zeros(src)) return sign(src) * pow(abs(src) / dst, p - 1);
    const Tensor zero = eq(src, 0), no_length = eq(dst, 0);
    const Tensor ratios = masked_fill(abs(src), zero, 1) / masked_fill(dst, no_length, 1);
    return masked_fill(sign(src) * pow(ratios, p - 1), no_length, 0);
  }
};

struct Logsumexp : OverAxes {
  static constexpr std::string_view name = "logsumexp";
  Spec infer(const Tensor& src) const {
    check_floating(name, src.dtype());
    return {shape_of(src.shape()), src.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    ctx.save(src);
    ctx.save(dst);
    Numbers tops = folded(Kind::largest, src, axes, dst.numel());
    for (double& top : tops) top = std::isfinite(top) ? top : 0;
    const fold::Writer write(dst);
    fold::fold(Kind::sum_of_exponentials, src, axes, tops.data(),
               [&](std::int64_t at, double sum) { write(at, tops[static_cast<std::size_t>(at)] + std::log(sum)); });
  }
  // diff_src = diff_dst e^(src - dst), divided by the sum of e^(src - dst): that is 1, but for the rounding of dst,
  // which is large where dst is
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor src = ctx.saved(0), dst = ctx.saved(1).detach();
    const Tensor kept = aligned(dst, src.shape()), diff = aligned(diff_dst, src.shape());
    if (!any_infinite(dst)) return ctx.give(0, shares(src - kept, diff));
    // An infinite result is taken out of the exponent; where it is inf, the elements that are share the gradient.
    const Tensor above = eq(kept, kInf);
    const Tensor finite = masked_fill(src, above, 0) - masked_fill(kept, isinf(kept), 0);
    ctx.give(0, where(above, equal_shares(*this, diff_dst, src, dst), shares(finite, diff)));
  }

 private:
  /// diff softmax(x), and 0 where all x are -inf. In ops.
  Tensor shares(const Tensor& x, const Tensor& diff) const {
    const Tensor e = exp(x);
    return e * quotient_or_zero(diff, sum(e, axes.list(), true));
  }
  static bool any_infinite(const Tensor& t) {
    bool found = false;
    fold::fold(Kind::largest_absolute, t, AxisSet::all(t.dim()), nullptr,
               [&](std::int64_t, double largest) { found = !std::isfinite(largest); });
    return found;
  }
};

template <class Op>
Tensor spread(std::string_view name, const Tensor& src, const Axes& axes, const VarOptions& options, Location where) {
  Op op;
  op.axes = AxisSet::of(name, axes, src.dim());
  op.keepdim = options.keepdim;
  op.correction = options.correction;
  return apply(op, where, src);
}

Tensor norm_named(std::string_view name, const Tensor& src, double p, const Axes& axes, bool keepdim, Location where) {
  Norm op;
  op.axes = AxisSet::of(name, axes, src.dim());
  op.keepdim = keepdim;
  op.p = p;
  return apply(op, where, src);
}

}  // namespace

Tensor var(const Tensor& src, const Axes& axes, const VarOptions& options, Location where) {
  return spread<Var>("var", src, axes, options, where);
}
Tensor std(const Tensor& src, const Axes& axes, const VarOptions& options, Location where) {
  return spread<Std>("std", src, axes, options, where);
}
Tensor stddev(const Tensor& src, const Axes& axes, const VarOptions& options, Location where) {
  return spread<Std>("stddev", src, axes, options, where);
}
Tensor norm(const Tensor& src, double p, const Axes& axes, bool keepdim, Location where) {
  return norm_named("norm", src, p, axes, keepdim, where);
}
Tensor vector_norm(const Tensor& src, double p, const Axes& axes, bool keepdim, Location where) {
  return norm_named("vector_norm", src, p, axes, keepdim, where);
}
Tensor logsumexp(const Tensor& src, const Axes& axes, bool keepdim, Location where) {
  Logsumexp op;
  op.axes = AxisSet::of("logsumexp", axes, src.dim());
  op.keepdim = keepdim;
  return apply(op, where, src);
}

}  // namespace dagrad
