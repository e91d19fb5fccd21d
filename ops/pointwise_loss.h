// What the elementwise losses share: each is an op of one pass, and so is its gradient. Internal.
#pragma once

#include "dagrad/core/op.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/loss_kernels.h"
#include "dagrad/ops/loss_reduction.h"
#include "dagrad/ops/reduction.h"

namespace dagrad::losses {

/// `reduction=mean`, for the attributes of an op.
std::string name_of(Reduction reduction);

/// Throws unless input and target have one shape and one floating type.
void check_pair(std::string_view op, const Tensor& input, const Tensor& target);

/// Throws ShapeError unless `t`, named `what`, broadcasts to `shape` (that of `of`) without making it larger.
void check_broadcasts(std::string_view op, std::string_view what, const Tensor& t, std::string_view of,
                      const Shape& shape);

/// Reduces the losses of the elements with the weights, which may be undefined, by the rule of LossOptions.
Tensor reduce(std::string_view op, const Tensor& losses, Reduction reduction, const Tensor& weight, Location where);

/// The result of a loss, and its gradient by input or target. `weight` is the formula's third operand, or undefined.
void forward(Formula f, double number, Reduction reduction, const Operands& in, Tensor& dst);
void backward(Formula f, By by, double number, double scale, const Tensor& diff_dst, const Operands& in, Tensor& dst);

/// What the gradients share: diff = scale diff_dst df/d(input or target). `Derived` adds a name and
/// `second(v, other, x, y, w)`, which is v d2f / d(what this differentiates) d(other), or undefined where that is 0.
template <class Derived, Formula kFormula>
struct PointwiseLossBackward {
  By by = By::input;
  double number = 0;
  double scale = 1;

  Spec infer(const Tensor&, const Tensor& x, const Tensor&, const Tensor&) const { return x.spec(); }
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& x, const Tensor& y, const Tensor& w,
               Tensor& dst) const {
    for (const Tensor& t : {diff_dst, x, y, w}) ctx.save(t);
    losses::backward(kFormula, by, number, scale, diff_dst, {x, y, w}, dst);
  }
  // It is linear in diff_dst, so that it is its own derivative by that. By the others: scale h diff_dst f''.
  void backward(Backward& ctx, const Tensor& h) const {
    const auto& self = static_cast<const Derived&>(*this);
    const Tensor g = ctx.saved(0), x = ctx.saved(1), y = ctx.saved(2), w = ctx.saved(3);
    if (ctx.needs(0)) ctx.give(0, sum_to(apply(self, Location::current(), h, x, y, w), g.shape()));
    if (!ctx.needs(1) && !ctx.needs(2) && !ctx.needs(3)) return;
    Tensor v = mul(h, g);
    if (scale != 1) v = mul(v, scale);
    if (ctx.needs(1)) ctx.give(1, self.second(v, By::input, x, y, w));
    if (ctx.needs(2)) ctx.give(2, self.second(v, By::target, x, y, w));
    if constexpr (requires { self.second_by_weight(v, x, y); }) {
      if (ctx.needs(3)) ctx.give(3, sum_to(self.second_by_weight(v, x, y), w.shape()));
    }
  }
};

/// What the losses share. `Derived` adds a name and may check its input; `BackwardOp` is its gradient.
template <class Derived, Formula kFormula, class BackwardOp>
struct PointwiseLoss {
  static constexpr AutocastRule autocast = AutocastRule::f32;
  Reduction reduction = Reduction::mean;
  double number = 0;

  /// The function that users call, where it is not named like the op.
  static constexpr std::string_view called() {
    if constexpr (requires { Derived::function; })
      return Derived::function;
    else
      return Derived::name;
  }
  std::string attributes() const { return name_of(reduction); }
  Spec infer(const Tensor& x, const Tensor& y, const Tensor&) const {
    check_pair(called(), x, y);
    return {reduction == Reduction::none ? x.shape() : Shape{}, x.dtype()};
  }
  void forward(Forward& ctx, const Tensor& x, const Tensor& y, const Tensor& w, Tensor& dst) const {
    for (const Tensor& t : {x, y, w}) ctx.save(t);
    losses::forward(kFormula, number, reduction, {x, y, w}, dst);
  }
  // With f' by input or target: diff = diff_dst f', for the mean divided by the number of elements. A function of x - y
  // has f' of opposite signs.
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor x = ctx.saved(0), y = ctx.saved(1), w = ctx.saved(2);
    const double scale = scale_of(x);
    const auto by = [&](By operand) {
      return apply(BackwardOp{{operand, number, scale}}, Location::current(), diff_dst, x, y, w);
    };
    if constexpr (of_difference(kFormula)) {
      const Tensor diff = by(By::input);
      if (ctx.needs(1)) ctx.give(1, neg(diff));
      ctx.give(0, diff);
    } else {
      if (ctx.needs(0)) ctx.give(0, by(By::input));
      if (ctx.needs(1)) ctx.give(1, by(By::target));
    }
    if constexpr (requires { Derived::by_weight(diff_dst, x, y); }) {
      if (ctx.needs(2)) ctx.give(2, sum_to(mul(Derived::by_weight(diff_dst, x, y), scale), w.shape()));
    }
  }

 private:
  double scale_of(const Tensor& x) const {
    return reduction == Reduction::mean ? 1 / static_cast<double>(x.numel()) : 1;
  }
};

/// Runs `op` as the options say: with weights, on the losses of the elements.
template <class Op>
Tensor run(Op op, const Tensor& input, const Tensor& target, const LossOptions& options, Location where) {
  op.reduction = options.weight.defined() ? Reduction::none : options.reduction;
  const Tensor result = apply(op, where, input, target, Tensor());
  return options.weight.defined() ? reduce(Op::called(), result, options.reduction, options.weight, where) : result;
}

}  // namespace dagrad::losses
