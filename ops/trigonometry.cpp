#include "dagrad/ops/trigonometry.h"

#include <fmt/format.h>

#include "dagrad/core/op.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/pointwise_row.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

using pointwise::apply_row;
using pointwise::Binary;
using pointwise::infer_binary;
using pointwise::Keep;
using pointwise::Row;
using pointwise::Unary;

using In = const Tensor&;

/// 1 - x^2, which keeps its digits near -1 and 1.
Tensor one_minus_square(const Tensor& x) { return (1 - x) * (x + 1); }

// diff_src = diff_dst (1 + dst^2)
constexpr Row kTan{"tan", Unary::tan, Keep::dst, [](In diff, In dst) { return diff * (square(dst) + 1); }};
// diff_src = diff_dst / sqrt(1 - src^2)
constexpr Row kAsin{"asin", Unary::asin, Keep::src, [](In diff, In src) { return diff / sqrt(one_minus_square(src)); }};
// diff_src = -diff_dst / sqrt(1 - src^2)
constexpr Row kAcos{"acos", Unary::acos, Keep::src,
                    [](In diff, In src) { return neg(diff) / sqrt(one_minus_square(src)); }};
// diff_src = diff_dst / (1 + src^2)
constexpr Row kAtan{"atan", Unary::atan, Keep::src, [](In diff, In src) { return diff / (square(src) + 1); }};
// diff_src = diff_dst cosh(src)
constexpr Row kSinh{"sinh", Unary::sinh, Keep::src, [](In diff, In src) { return diff * cosh(src); },
                    AutocastRule::f32};
// diff_src = diff_dst sinh(src)
constexpr Row kCosh{"cosh", Unary::cosh, Keep::src, [](In diff, In src) { return diff * sinh(src); },
                    AutocastRule::f32};
// diff_src = diff_dst / sqrt(src^2 + 1)
constexpr Row kAsinh{"asinh", Unary::asinh, Keep::src, [](In diff, In src) { return diff / hypot(src, 1); }};
// diff_src = diff_dst / sqrt(src^2 - 1), as two roots that do not overflow
constexpr Row kAcosh{"acosh", Unary::acosh, Keep::src,
                     [](In diff, In src) { return diff / (sqrt(src - 1) * sqrt(src + 1)); }};
// diff_src = diff_dst / (1 - src^2)
constexpr Row kAtanh{"atanh", Unary::atanh, Keep::src, [](In diff, In src) { return diff / one_minus_square(src); }};

/// 1 where x is 0, else x: the divisor of what is 0 there.
Tensor nonzero_divisor(const Tensor& x) { return masked_fill(x, eq(x, 0), 1); }

struct Atan2 {
  static constexpr std::string_view name = "atan2";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Spec infer(const Tensor& y, const Tensor& x) const { return infer_binary(name, y, x, false); }
  void forward(Forward& ctx, const Tensor& y, const Tensor& x, Tensor& dst) const {
    pointwise::binary(Binary::atan2, y, x, dst);
    ctx.save(y);
    ctx.save(x);
  }
  // with r = hypot(x, y): diff_y = diff_dst x / r^2, diff_x = -diff_dst y / r^2, and 0 at the origin
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor y = ctx.saved(0), x = ctx.saved(1), r = nonzero_divisor(hypot(y, x)), over_r = diff_dst / r;
    if (ctx.needs(0)) ctx.give(0, sum_to(over_r * (x / r), ctx.input_shape(0)));
    if (ctx.needs(1)) ctx.give(1, neg(sum_to(over_r * (y / r), ctx.input_shape(1))));
  }
};

struct Hypot {
  static constexpr std::string_view name = "hypot";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Spec infer(const Tensor& a, const Tensor& b) const { return infer_binary(name, a, b, false); }
  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    pointwise::binary(Binary::hypot, a, b, dst);
    ctx.save(a);
    ctx.save(b);
    ctx.save(dst);
  }
  // diff_a = diff_dst a / dst, diff_b = diff_dst b / dst, and 0 where dst is 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor divisor = nonzero_divisor(ctx.saved(2));
    if (ctx.needs(0)) ctx.give(0, sum_to(diff_dst * (ctx.saved(0) / divisor), ctx.input_shape(0)));
    if (ctx.needs(1)) ctx.give(1, sum_to(diff_dst * (ctx.saved(1) / divisor), ctx.input_shape(1)));
  }
};

struct HypotNumber {
  static constexpr std::string_view name = "hypot_number";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  double number = 0;

  std::string attributes() const { return fmt::format("{}", number); }
  Spec infer(const Tensor& src) const {
    pointwise::check_type("hypot", src.dtype(), false);
    return src.spec_with_format();
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    pointwise::binary(Binary::hypot, src, number, dst);
    ctx.save(src);
    ctx.save(dst);
  }
  // diff_src = diff_dst src / dst, and 0 where dst is 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst * (ctx.saved(0) / nonzero_divisor(ctx.saved(1))));
  }
};

}  // namespace

Tensor tan(const Tensor& x, Location where) { return apply_row<kTan>(x, where); }
Tensor asin(const Tensor& x, Location where) { return apply_row<kAsin>(x, where); }
Tensor acos(const Tensor& x, Location where) { return apply_row<kAcos>(x, where); }
Tensor atan(const Tensor& x, Location where) { return apply_row<kAtan>(x, where); }
Tensor sinh(const Tensor& x, Location where) { return apply_row<kSinh>(x, where); }
Tensor cosh(const Tensor& x, Location where) { return apply_row<kCosh>(x, where); }
Tensor asinh(const Tensor& x, Location where) { return apply_row<kAsinh>(x, where); }
Tensor acosh(const Tensor& x, Location where) { return apply_row<kAcosh>(x, where); }
Tensor atanh(const Tensor& x, Location where) { return apply_row<kAtanh>(x, where); }
Tensor atan2(const Tensor& y, const Tensor& x, Location where) { return apply(Atan2{}, where, y, x); }
Tensor hypot(const Tensor& a, const Tensor& b, Location where) { return apply(Hypot{}, where, a, b); }
Tensor hypot(const Tensor& a, double b, Location where) { return apply(HypotNumber{b}, where, a); }
Tensor hypot(double a, const Tensor& b, Location where) { return apply(HypotNumber{a}, where, b); }

}  // namespace dagrad
