#include "dagrad/ops/math.h"

#include <cmath>
#include <fmt/format.h>
#include <numbers>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/strided_loop.h"
#include "dagrad/ops/choose_row.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using pointwise::Binary;
using pointwise::FromForward;
using pointwise::infer_binary;
using pointwise::Keep;
using pointwise::Numbers;
using pointwise::Unary;
using pointwise::UnaryOp;

constexpr std::int64_t kGrain = 32 << 10;  // elements that are worth a thread

// --- one input ---

struct Abs : UnaryOp<Abs, Unary::abs, Keep::src, true> {
  static constexpr std::string_view name = "abs";
  // diff_src = diff_dst sign(src)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * sign(ctx.saved(0))); }
};

/// Functions that are constant between jumps.
template <class Derived, Unary kFunction, bool kIntegersToo = false>
struct Step : UnaryOp<Derived, kFunction, Keep::nothing, kIntegersToo> {
  static constexpr std::string_view zero_gradient = "everywhere";
  // diff_src = 0
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, zeros_like(diff_dst)); }
};
struct Sign : Step<Sign, Unary::sign, true> {
  static constexpr std::string_view name = "sign";
};
struct Floor : Step<Floor, Unary::floor> {
  static constexpr std::string_view name = "floor";
};
struct Ceil : Step<Ceil, Unary::ceil> {
  static constexpr std::string_view name = "ceil";
};
struct Round : Step<Round, Unary::round> {
  static constexpr std::string_view name = "round";
};
struct Trunc : Step<Trunc, Unary::trunc> {
  static constexpr std::string_view name = "trunc";
};

struct Expm1 : UnaryOp<Expm1, Unary::expm1, Keep::dst> {
  static constexpr std::string_view name = "expm1";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst (dst + 1)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * (ctx.saved(0) + 1)); }
};

struct Log1p : UnaryOp<Log1p, Unary::log1p, Keep::src> {
  static constexpr std::string_view name = "log1p";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst / (1 + src)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst / (ctx.saved(0) + 1)); }
};

struct Log2 : UnaryOp<Log2, Unary::log2, Keep::src> {
  static constexpr std::string_view name = "log2";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst / (src log 2)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst / (ctx.saved(0) * std::numbers::ln2));
  }
};

struct Rsqrt : UnaryOp<Rsqrt, Unary::rsqrt, Keep::dst> {
  static constexpr std::string_view name = "rsqrt";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = -diff_dst dst^3 / 2
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor y = ctx.saved(0);
    ctx.give(0, diff_dst * (square(y) * y) * -0.5);
  }
};

struct Reciprocal : UnaryOp<Reciprocal, Unary::reciprocal, Keep::dst> {
  static constexpr std::string_view name = "reciprocal";
  // diff_src = -diff_dst dst^2
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, neg(diff_dst * square(ctx.saved(0)))); }
};

struct Sin : UnaryOp<Sin, Unary::sin, Keep::src> {
  static constexpr std::string_view name = "sin";
  // diff_src = diff_dst cos(src)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * cos(ctx.saved(0))); }
};

struct Cos : UnaryOp<Cos, Unary::cos, Keep::src> {
  static constexpr std::string_view name = "cos";
  // diff_src = -diff_dst sin(src)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, neg(diff_dst * sin(ctx.saved(0)))); }
};

struct Erf : UnaryOp<Erf, Unary::erf, Keep::src> {
  static constexpr std::string_view name = "erf";
  // diff_src = diff_dst 2 / sqrt(pi) e^(-src^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst * (exp(neg(square(ctx.saved(0)))) * (2 * std::numbers::inv_sqrtpi)));
  }
};

struct PowNumber : UnaryOp<PowNumber, Unary::pow, Keep::src> {
  static constexpr std::string_view name = "pow_number";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  double exponent;
  Numbers numbers() const { return {exponent, 0}; }
  std::string attributes() const { return fmt::format("exponent={}", exponent); }
  // diff_src = diff_dst y src^(y - 1), and 0 for y = 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (exponent == 0)
      ctx.give(0, zeros_like(diff_dst));
    else
      ctx.give(0, diff_dst * (pow(ctx.saved(0), exponent - 1) * exponent));
  }
};

struct NumberPow : UnaryOp<NumberPow, Unary::number_pow, Keep::dst> {
  static constexpr std::string_view name = "number_pow";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  double base;
  Numbers numbers() const { return {base, 0}; }
  std::string attributes() const { return fmt::format("base={}", base); }
  // diff_src = diff_dst dst log(base), and 0 for base 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (base == 0)
      ctx.give(0, zeros_like(diff_dst));
    else
      ctx.give(0, diff_dst * (ctx.saved(0) * std::log(base)));
  }
};

struct Clamp : UnaryOp<Clamp, Unary::clamp, Keep::src, true> {
  static constexpr std::string_view name = "clamp";
  static constexpr std::string_view zero_gradient = "where the input is outside of the bounds";
  Numbers bounds;
  Numbers numbers() const { return bounds; }
  std::string attributes() const { return fmt::format("low={}, high={}", bounds.a, bounds.b); }
  // diff_src = diff_dst where low <= src <= high
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct ClampBackward : FromForward<ClampBackward, Binary::clamp_backward> {
  static constexpr std::string_view name = "clamp_backward";
  Numbers bounds;
  Numbers numbers() const { return bounds; }
  // f = g [low <= x <= high]: df/dg = [low <= x <= high], df/dx = 0
  void backward(Backward& ctx, const Tensor& diff) const {
    if (ctx.needs(0)) ctx.give(0, apply(*this, Location::current(), diff, ctx.saved(1)));
  }
};

void Clamp::backward(Backward& ctx, const Tensor& diff_dst) const {
  ctx.give(0, apply(ClampBackward{{}, bounds}, Location::current(), diff_dst, ctx.saved(0)));
}

// --- two inputs ---

struct Pow {
  static constexpr std::string_view name = "pow";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Spec infer(const Tensor& x, const Tensor& y) const { return infer_binary(name, x, y, false); }
  void forward(Forward& ctx, const Tensor& x, const Tensor& y, Tensor& dst) const {
    pointwise::binary(Binary::pow, x, y, dst);
    ctx.save(x);
    ctx.save(y);
    ctx.save(dst);
  }
  // diff_x = diff_dst y x^(y - 1) (0 where y = 0), diff_y = diff_dst dst log(x) (0 where x = 0)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor x = ctx.saved(0), y = ctx.saved(1);
    if (ctx.needs(0)) {
      const Tensor slope = dagrad::where(eq(y, 0), zeros_like(y), y * pow(x, y - 1));
      ctx.give(0, sum_to(diff_dst * slope, ctx.input_shape(0)));
    }
    if (ctx.needs(1)) {
      const Tensor logs = dagrad::where(eq(x, 0), zeros_like(x), log(x));
      ctx.give(1, sum_to(diff_dst * ctx.saved(2) * logs, ctx.input_shape(1)));
    }
  }
};

/// maximum and minimum: the gradient goes to the one that was taken, in halves where they are equal.
template <class Derived, Binary kFunction>
struct Extremum {
  static constexpr AutocastRule autocast = AutocastRule::widest;
  Spec infer(const Tensor& a, const Tensor& b) const { return infer_binary(Derived::name, a, b, true); }
  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    pointwise::binary(kFunction, a, b, dst);
    ctx.save(a);
    ctx.save(b);
  }
  // diff_a = diff_dst ([a wins] + [a = b] / 2), diff_b = diff_dst - diff_a
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor a = ctx.saved(0), b = ctx.saved(1);
    const Tensor wins = to(Derived::beats(a, b), a.dtype()), ties = to(eq(a, b), a.dtype());
    const Tensor share = wins + ties * 0.5;
    if (ctx.needs(0)) ctx.give(0, sum_to(diff_dst * share, ctx.input_shape(0)));
    if (ctx.needs(1)) ctx.give(1, sum_to(diff_dst * (1 - share), ctx.input_shape(1)));
  }
};

struct Maximum : Extremum<Maximum, Binary::maximum> {
  static constexpr std::string_view name = "maximum";
  static Tensor beats(const Tensor& a, const Tensor& b) { return gt(a, b); }
};
struct Minimum : Extremum<Minimum, Binary::minimum> {
  static constexpr std::string_view name = "minimum";
  static Tensor beats(const Tensor& a, const Tensor& b) { return lt(a, b); }
};

/// fmod and remainder, which differ in how they round the quotient.
template <class Derived, Binary kFunction>
struct Modulo {
  static constexpr AutocastRule autocast = AutocastRule::widest;
  Spec infer(const Tensor& a, const Tensor& b) const { return infer_binary(Derived::name, a, b, true); }
  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    if (a.dtype() == i64 && dst.numel() > 0) check_divisors(b);
    pointwise::binary(kFunction, a, b, dst);
    if (!b.requires_grad()) return;
    ctx.save(a);
    ctx.save(b);
    ctx.save(dst);
  }
  // with the whole number q = (a - dst) / b: diff_a = diff_dst, diff_b = -diff_dst q
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (ctx.needs(0)) ctx.give(0, sum_to(diff_dst, ctx.input_shape(0)));
    if (!ctx.needs(1)) return;
    const Tensor times = round((ctx.saved(0) - ctx.saved(2)) / ctx.saved(1));
    ctx.give(1, neg(sum_to(diff_dst * times, ctx.input_shape(1))));
  }

 private:
  static void check_divisors(const Tensor& b) {
    if (any(eq(b, 0)).template item<bool>())
      throw UsageError(fmt::format("{}: i64 by 0 (want no 0 in b, or floating types)", Derived::name));
  }
};

struct Fmod : Modulo<Fmod, Binary::fmod> {
  static constexpr std::string_view name = "fmod";
};
struct Remainder : Modulo<Remainder, Binary::remainder> {
  static constexpr std::string_view name = "remainder";
};

// --- choosing ---

void check_boolean(std::string_view op, const Tensor& t) {
  if (t.dtype() != boolean) throw DTypeError(fmt::format("{}: {} (want bool)", op, name_of(t.dtype())));
}

/// dst[i] = choose(condition[i], a[i], b[i]), broadcast.
struct Where {
  static constexpr std::string_view name = "where";
  static constexpr AutocastRule autocast = AutocastRule::widest;

  Spec infer(const Tensor& condition, const Tensor& a, const Tensor& b) const {
    check_boolean(name, condition);
    if (a.dtype() != b.dtype()) {
      throw DTypeError(fmt::format("where: element types differ: {} and {} (want one type; cast with to())",
                                   name_of(a.dtype()), name_of(b.dtype())));
    }
    return {broadcast_shapes(name, broadcast_shapes(name, condition.shape(), a.shape()), b.shape()), a.dtype(),
            a.format()};
  }

  void forward(Forward& ctx, const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& dst) const {
    ctx.save(condition);
    if (dst.numel() == 0) return;
    const auto stretch = [&dst](const Tensor& t) { return broadcast_strides(t.shape(), t.strides(), dst.shape()); };
    const Strides of_condition = stretch(condition), of_a = stretch(a), of_b = stretch(b);
    const Strides& of_dst = dst.strides();
    const StridedLoop<4> loop(dst.shape(), {&of_dst, &of_condition, &of_a, &of_b});
    const bool* test = condition.data<bool>();
    visit_dtype(dst.dtype(), [&]<class T>(T) {
      T* to = dst.mutable_data<T>();
      const T* from_a = a.data<T>();
      const T* from_b = b.data<T>();
      for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t count) {
        choose_row(to + at[0], loop.row_stride(0), test + at[1], loop.row_stride(1), from_a + at[2], loop.row_stride(2),
                   from_b + at[3], loop.row_stride(3), count);
      });
    });
  }

  // diff_a = where(condition, diff_dst, 0), diff_b = where(condition, 0, diff_dst)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor condition = ctx.saved(0);
    if (ctx.needs(1)) ctx.give(1, sum_to(dagrad::where(condition, diff_dst, 0), ctx.input_shape(1)));
    if (ctx.needs(2)) ctx.give(2, sum_to(dagrad::where(condition, 0, diff_dst), ctx.input_shape(2)));
  }
};

/// What `function` is by clamp's kernel.
Tensor held(std::string_view function, const Tensor& x, double low, double high, Location where) {
  pointwise::check_type(function, x.dtype(), true);
  for (const double bound : {low, high}) {
    if (std::fabs(bound) < 0x1p63) pointwise::check_number(function, bound, x.dtype());  // others bound nothing
  }
  return apply(Clamp{{}, {low, high}}, where, x);
}

}  // namespace

Tensor abs(const Tensor& x, Location where) { return apply(Abs{}, where, x); }
Tensor sign(const Tensor& x, Location where) { return apply(Sign{}, where, x); }
Tensor expm1(const Tensor& x, Location where) { return apply(Expm1{}, where, x); }
Tensor log1p(const Tensor& x, Location where) { return apply(Log1p{}, where, x); }
Tensor log2(const Tensor& x, Location where) { return apply(Log2{}, where, x); }
Tensor rsqrt(const Tensor& x, Location where) { return apply(Rsqrt{}, where, x); }
Tensor reciprocal(const Tensor& x, Location where) { return apply(Reciprocal{}, where, x); }
Tensor sin(const Tensor& x, Location where) { return apply(Sin{}, where, x); }
Tensor cos(const Tensor& x, Location where) { return apply(Cos{}, where, x); }
Tensor erf(const Tensor& x, Location where) { return apply(Erf{}, where, x); }
Tensor floor(const Tensor& x, Location where) { return apply(Floor{}, where, x); }
Tensor ceil(const Tensor& x, Location where) { return apply(Ceil{}, where, x); }
Tensor round(const Tensor& x, Location where) { return apply(Round{}, where, x); }
Tensor trunc(const Tensor& x, Location where) { return apply(Trunc{}, where, x); }

Tensor pow(const Tensor& x, double y, Location where) {
  if (y == 2) return square(x, where);
  return apply(PowNumber{{}, y}, where, x);
}
Tensor pow(const Tensor& x, const Tensor& y, Location where) { return apply(Pow{}, where, x, y); }
Tensor pow(double x, const Tensor& y, Location where) { return apply(NumberPow{{}, x}, where, y); }
Tensor fmod(const Tensor& a, const Tensor& b, Location where) { return apply(Fmod{}, where, a, b); }
Tensor remainder(const Tensor& a, const Tensor& b, Location where) { return apply(Remainder{}, where, a, b); }
Tensor maximum(const Tensor& a, const Tensor& b, Location where) { return apply(Maximum{}, where, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b, Location where) { return apply(Minimum{}, where, a, b); }

Tensor clamp(const Tensor& x, double low, double high, Location where) {
  if (!(low <= high)) throw UsageError(fmt::format("clamp: low is {}, high is {} (want low <= high)", low, high));
  return held("clamp", x, low, high, where);
}
Tensor clamp_min(const Tensor& x, double low, Location where) {
  if (std::isnan(low)) throw UsageError("clamp_min: low is nan (want a number)");
  return held("clamp_min", x, low, INFINITY, where);
}
Tensor clamp_max(const Tensor& x, double high, Location where) {
  if (std::isnan(high)) throw UsageError("clamp_max: high is nan (want a number)");
  return held("clamp_max", x, -INFINITY, high, where);
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b, Location at) {
  return apply(Where{}, at, condition, a, b);
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value, Location at) {
  return dagrad::where(mask, value, x, at);
}

Tensor isnan(const Tensor& x, Location where) { return ne(x, x, where); }
Tensor isinf(const Tensor& x, Location where) {
  return is_floating(x.dtype()) ? eq(abs(x.detach(), where), INFINITY, where) : zeros(x.shape(), boolean);
}
Tensor isfinite(const Tensor& x, Location where) {
  return is_floating(x.dtype()) ? lt(abs(x.detach(), where), INFINITY, where) : ones(x.shape(), boolean);
}

Tensor logical_and(const Tensor& a, const Tensor& b, Location at) {
  check_boolean("logical_and", a);
  check_boolean("logical_and", b);
  return dagrad::where(a, b, 0, at);
}
Tensor logical_or(const Tensor& a, const Tensor& b, Location at) {
  check_boolean("logical_or", a);
  check_boolean("logical_or", b);
  return dagrad::where(a, 1, b, at);
}
Tensor logical_xor(const Tensor& a, const Tensor& b, Location at) {
  check_boolean("logical_xor", a);
  check_boolean("logical_xor", b);
  return ne(a, b, at);
}
Tensor logical_not(const Tensor& x, Location at) {
  check_boolean("logical_not", x);
  return eq(x, 0, at);
}

Tensor lerp(const Tensor& a, const Tensor& b, double weight, Location where) {
  return add(a, mul(sub(b, a, where), weight, where), where);
}
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight, Location where) {
  return add(a, mul(sub(b, a, where), weight, where), where);
}
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, double value, Location where) {
  return add(x, mul(mul(a, b, where), value, where), where);
}

Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, double value, Location where) {
  return add(x, mul(div(a, b, where), value, where), where);
}

}  // namespace dagrad
