#include "dagrad/ops/special.h"

#include <numbers>

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

struct Exp2 : UnaryOp<Exp2, Unary::exp2, Keep::dst> {
  static constexpr std::string_view name = "exp2";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst dst log 2
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst * ctx.saved(0) * std::numbers::ln2);
  }
};

struct Log10 : UnaryOp<Log10, Unary::log10, Keep::src> {
  static constexpr std::string_view name = "log10";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst / (src log 10)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst / (ctx.saved(0) * std::numbers::ln10));
  }
};

struct Logit : UnaryOp<Logit, Unary::logit, Keep::src> {
  static constexpr std::string_view name = "logit";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst / (src (1 - src))
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor x = ctx.saved(0);
    ctx.give(0, diff_dst / (x * (1 - x)));
  }
};

struct Erfc : UnaryOp<Erfc, Unary::erfc, Keep::src> {
  static constexpr std::string_view name = "erfc";
  // diff_src = -diff_dst 2 / sqrt(pi) e^(-src^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst * (exp(neg(square(ctx.saved(0)))) * (-2 * std::numbers::inv_sqrtpi)));
  }
};

struct Erfinv : UnaryOp<Erfinv, Unary::erfinv, Keep::dst> {
  static constexpr std::string_view name = "erfinv";
  // diff_src = diff_dst sqrt(pi) / 2 e^(dst^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, diff_dst * (exp(square(ctx.saved(0))) * (0.5 / std::numbers::inv_sqrtpi)));
  }
};

struct Logaddexp {
  static constexpr std::string_view name = "logaddexp";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Spec infer(const Tensor& a, const Tensor& b) const { return infer_binary(name, a, b, false); }
  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    pointwise::binary(Binary::logaddexp, a, b, dst);
    ctx.save(a);
    ctx.save(b);
  }
  // diff_a = diff_dst sigmoid(a - b), diff_b = diff_dst sigmoid(b - a), where a - b of equal infinities is 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor a = ctx.saved(0), b = ctx.saved(1);
    const Tensor distance = masked_fill(a - b, logical_and(eq(a, b), isinf(a)), 0);
    if (ctx.needs(0)) ctx.give(0, sum_to(diff_dst * sigmoid(distance), ctx.input_shape(0)));
    if (ctx.needs(1)) ctx.give(1, sum_to(diff_dst * sigmoid(neg(distance)), ctx.input_shape(1)));
  }
};

}  // namespace

Tensor exp2(const Tensor& x, Location where) { return apply(Exp2{}, where, x); }
Tensor log10(const Tensor& x, Location where) { return apply(Log10{}, where, x); }
Tensor logit(const Tensor& x, Location where) { return apply(Logit{}, where, x); }
Tensor logit(const Tensor& x, double eps, Location where) { return logit(clamp(x, eps, 1 - eps, where), where); }
Tensor erfc(const Tensor& x, Location where) { return apply(Erfc{}, where, x); }
Tensor erfinv(const Tensor& x, Location where) { return apply(Erfinv{}, where, x); }
Tensor logaddexp(const Tensor& a, const Tensor& b, Location where) { return apply(Logaddexp{}, where, a, b); }

}  // namespace dagrad
