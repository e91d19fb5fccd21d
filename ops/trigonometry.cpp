#include "dagrad/ops/trigonometry.h"

#include "dagrad/core/creation.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

using pointwise::Binary;
using pointwise::infer_binary;
using pointwise::Keep;
using pointwise::Unary;
using pointwise::UnaryOp;

/// 1 - x^2, which keeps its digits near -1 and 1.
Tensor one_minus_square(const Tensor& x) { return (1 - x) * (x + 1); }

struct Tan : UnaryOp<Tan, Unary::tan, Keep::dst> {
  static constexpr std::string_view name = "tan";
  // diff_src = diff_dst (1 + dst^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * (square(ctx.saved(0)) + 1)); }
};

struct Asin : UnaryOp<Asin, Unary::asin, Keep::src> {
  static constexpr std::string_view name = "asin";
  // diff_src = diff_dst / sqrt(1 - src^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst / sqrt(one_minus_square(ctx.saved(0))));
  }
};

struct Acos : UnaryOp<Acos, Unary::acos, Keep::src> {
  static constexpr std::string_view name = "acos";
  // diff_src = -diff_dst / sqrt(1 - src^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, neg(diff_dst) / sqrt(one_minus_square(ctx.saved(0))));
  }
};

struct Atan : UnaryOp<Atan, Unary::atan, Keep::src> {
  static constexpr std::string_view name = "atan";
  // diff_src = diff_dst / (1 + src^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst / (square(ctx.saved(0)) + 1)); }
};

struct Sinh : UnaryOp<Sinh, Unary::sinh, Keep::src> {
  static constexpr std::string_view name = "sinh";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst cosh(src)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * cosh(ctx.saved(0))); }
};

struct Cosh : UnaryOp<Cosh, Unary::cosh, Keep::src> {
  static constexpr std::string_view name = "cosh";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst sinh(src)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * sinh(ctx.saved(0))); }
};

struct Asinh : UnaryOp<Asinh, Unary::asinh, Keep::src> {
  static constexpr std::string_view name = "asinh";
  // diff_src = diff_dst / sqrt(src^2 + 1)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst / hypot(ctx.saved(0), scalar(1, diff_dst.dtype())));
  }
};

struct Acosh : UnaryOp<Acosh, Unary::acosh, Keep::src> {
  static constexpr std::string_view name = "acosh";
  // diff_src = diff_dst / sqrt(src^2 - 1), as two roots that do not overflow
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor x = ctx.saved(0);
    ctx.give(0, diff_dst / (sqrt(x - 1) * sqrt(x + 1)));
  }
};

struct Atanh : UnaryOp<Atanh, Unary::atanh, Keep::src> {
  static constexpr std::string_view name = "atanh";
  // diff_src = diff_dst / (1 - src^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst / one_minus_square(ctx.saved(0))); }
};

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

}  // namespace

Tensor tan(const Tensor& x, Location where) { return apply(Tan{}, where, x); }
Tensor asin(const Tensor& x, Location where) { return apply(Asin{}, where, x); }
Tensor acos(const Tensor& x, Location where) { return apply(Acos{}, where, x); }
Tensor atan(const Tensor& x, Location where) { return apply(Atan{}, where, x); }
Tensor sinh(const Tensor& x, Location where) { return apply(Sinh{}, where, x); }
Tensor cosh(const Tensor& x, Location where) { return apply(Cosh{}, where, x); }
Tensor asinh(const Tensor& x, Location where) { return apply(Asinh{}, where, x); }
Tensor acosh(const Tensor& x, Location where) { return apply(Acosh{}, where, x); }
Tensor atanh(const Tensor& x, Location where) { return apply(Atanh{}, where, x); }
Tensor atan2(const Tensor& y, const Tensor& x, Location where) { return apply(Atan2{}, where, y, x); }
Tensor hypot(const Tensor& a, const Tensor& b, Location where) { return apply(Hypot{}, where, a, b); }

}  // namespace dagrad
