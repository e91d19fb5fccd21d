#include "dagrad/ops/special.h"

#include <numbers>

#include "dagrad/core/op.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise.h"
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

// diff_src = diff_dst dst log 2
constexpr Row kExp2{"exp2", Unary::exp2, Keep::dst, [](In diff, In dst) { return diff * dst * std::numbers::ln2; },
                    AutocastRule::f32};
// diff_src = diff_dst / (src log 10)
constexpr Row kLog10{"log10", Unary::log10, Keep::src,
                     [](In diff, In src) { return diff / (src * std::numbers::ln10); }, AutocastRule::f32};
// diff_src = diff_dst / (src (1 - src))
constexpr Row kLogit{"logit", Unary::logit, Keep::src, [](In diff, In src) { return diff / (src * (1 - src)); },
                     AutocastRule::f32};
// diff_src = -diff_dst 2 / sqrt(pi) e^(-src^2)
constexpr Row kErfc{"erfc", Unary::erfc, Keep::src,
                    [](In diff, In src) { return diff * (exp(neg(square(src))) * (-2 * std::numbers::inv_sqrtpi)); }};
// diff_src = diff_dst sqrt(pi) / 2 e^(dst^2)
constexpr Row kErfinv{"erfinv", Unary::erfinv, Keep::dst,
                      [](In diff, In dst) { return diff * (exp(square(dst)) * (0.5 / std::numbers::inv_sqrtpi)); }};

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

Tensor exp2(const Tensor& x, Location where) { return apply_row<kExp2>(x, where); }
Tensor log10(const Tensor& x, Location where) { return apply_row<kLog10>(x, where); }
Tensor logit(const Tensor& x, Location where) { return apply_row<kLogit>(x, where); }
Tensor logit(const Tensor& x, double eps, Location where) { return logit(clamp(x, eps, 1 - eps, where), where); }
Tensor erfc(const Tensor& x, Location where) { return apply_row<kErfc>(x, where); }
Tensor erfinv(const Tensor& x, Location where) { return apply_row<kErfinv>(x, where); }
Tensor logaddexp(const Tensor& a, const Tensor& b, Location where) { return apply(Logaddexp{}, where, a, b); }

}  // namespace dagrad
