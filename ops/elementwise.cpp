// The elementwise ops: each states its name, its kernel, the oneDNN primitive for large tensors, and its derivative.
#include "dagrad/ops/elementwise.h"

#include <fmt/format.h>
#include <optional>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

using pointwise::Binary;
using pointwise::check_type;
using pointwise::FromForward;
using pointwise::infer_binary;
using pointwise::Keep;
using pointwise::large;
using pointwise::Unary;
using pointwise::UnaryOp;

// --- one input ---

struct Neg {
  static constexpr std::string_view name = "neg";
  Spec infer(const Tensor& src) const {
    check_type(name, src.dtype(), true);
    return src.spec_with_format();
  }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { pointwise::unary(Unary::neg, src, dst); }
  // diff_src = -diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, neg(diff_dst)); }
};

// No primitive: eltwise_exp of oneDNN 2.6 takes NaN to infinity.
struct Exp : UnaryOp<Exp, Unary::exp, Keep::dst> {
  static constexpr std::string_view name = "exp";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * ctx.saved(0)); }
};

// No primitive: eltwise_log of oneDNN 2.6 is wrong near 1 and at NaN (mended in 2.7).
struct Log : UnaryOp<Log, Unary::log, Keep::src> {
  static constexpr std::string_view name = "log";
  static constexpr AutocastRule autocast = AutocastRule::f32;
  // diff_src = diff_dst / src
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst / ctx.saved(0)); }
};

struct Sqrt : UnaryOp<Sqrt, Unary::sqrt, Keep::dst> {
  static constexpr std::string_view name = "sqrt";
  static constexpr std::optional primitive = onednn::Eltwise::sqrt;
  // diff_src = diff_dst / (2 dst)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, sqrt_backward(diff_dst, ctx.saved(0))); }
};

struct Square : UnaryOp<Square, Unary::square, Keep::src, true> {
  static constexpr std::string_view name = "square";
  static constexpr std::optional primitive = onednn::Eltwise::square;
  // diff_src = 2 src diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, square_backward(diff_dst, ctx.saved(0))); }
};

struct Tanh : UnaryOp<Tanh, Unary::tanh, Keep::dst> {
  static constexpr std::string_view name = "tanh";
  static constexpr std::string_view zero_gradient = "where the input is so large that it saturates";
  static constexpr std::optional primitive = onednn::Eltwise::tanh;
  // diff_src = diff_dst (1 - dst^2)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, tanh_backward(diff_dst, ctx.saved(0))); }
};

struct Sigmoid : UnaryOp<Sigmoid, Unary::sigmoid, Keep::dst> {
  static constexpr std::string_view name = "sigmoid";
  static constexpr std::string_view zero_gradient = "where the input is so large that it saturates";
  static constexpr std::optional primitive = onednn::Eltwise::logistic;
  // diff_src = diff_dst dst (1 - dst)
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, sigmoid_backward(diff_dst, ctx.saved(0))); }
};

// No primitive: eltwise_relu of oneDNN 2.6 takes NaN to 0.
struct Relu : UnaryOp<Relu, Unary::relu, Keep::dst> {
  static constexpr std::string_view name = "relu";
  static constexpr std::string_view zero_gradient = "where the input is not positive";
  // diff_src = diff_dst where dst > 0
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, relu_backward(diff_dst, ctx.saved(0))); }
};

// --- two inputs ---

void run_binary(Binary f, std::optional<onednn::Binary> primitive, const Tensor& a, const Tensor& b, Tensor& dst) {
  const bool streamed = dst.dtype() == f32 && dst.numel() >= pointwise::kStreamedFrom;
  if (primitive && !streamed && a.shape() == b.shape() && large(a, dst) && large(b, dst))
    onednn::binary(*primitive, a, b, dst);
  else
    pointwise::binary(f, a, b, dst);
}

struct Add {
  static constexpr std::string_view name = "add";
  static constexpr AutocastRule autocast = AutocastRule::widest;
  Spec infer(const Tensor& a, const Tensor& b) const { return infer_binary(name, a, b, true); }
  void forward(Forward&, const Tensor& a, const Tensor& b, Tensor& dst) const {
    run_binary(Binary::add, onednn::Binary::add, a, b, dst);
  }
  // diff_a = diff_dst, diff_b = diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (ctx.needs(0)) ctx.give(0, sum_to(diff_dst, ctx.input_shape(0)));
    if (ctx.needs(1)) ctx.give(1, sum_to(diff_dst, ctx.input_shape(1)));
  }
};

struct Sub {
  static constexpr std::string_view name = "sub";
  static constexpr AutocastRule autocast = AutocastRule::widest;
  Spec infer(const Tensor& a, const Tensor& b) const { return infer_binary(name, a, b, true); }
  void forward(Forward&, const Tensor& a, const Tensor& b, Tensor& dst) const {
    run_binary(Binary::sub, onednn::Binary::sub, a, b, dst);
  }
  // diff_a = diff_dst, diff_b = -diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (ctx.needs(0)) ctx.give(0, sum_to(diff_dst, ctx.input_shape(0)));
    if (ctx.needs(1)) ctx.give(1, neg(sum_to(diff_dst, ctx.input_shape(1))));
  }
};

struct Mul {
  static constexpr std::string_view name = "mul";
  static constexpr std::string_view zero_gradient = "where the other factor is";
  static constexpr AutocastRule autocast = AutocastRule::widest;
  Spec infer(const Tensor& a, const Tensor& b) const { return infer_binary(name, a, b, true); }
  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    run_binary(Binary::mul, onednn::Binary::mul, a, b, dst);
    // Each factor is kept for the other one's gradient alone; of a square only the first.
    ctx.save(b.requires_grad() ? a : Tensor());
    ctx.save(a.requires_grad() && !a.is_same(b) ? b : Tensor());
  }
  // diff_a = diff_dst b, diff_b = diff_dst a
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    // Both gradients in one pass, where they reach the same tensor.
    if (ctx.needs(0) && ctx.needs(1) && !ctx.saved(1).defined())
      return ctx.give(0, square_backward(diff_dst, ctx.saved(0)));
    if (ctx.needs(0)) ctx.give(0, sum_to(diff_dst * ctx.saved(1), ctx.input_shape(0)));
    if (ctx.needs(1)) ctx.give(1, sum_to(diff_dst * ctx.saved(0), ctx.input_shape(1)));
  }
};

struct Div {
  static constexpr std::string_view name = "div";
  static constexpr AutocastRule autocast = AutocastRule::widest;
  Spec infer(const Tensor& a, const Tensor& b) const { return infer_binary(name, a, b, false); }
  void forward(Forward& ctx, const Tensor& a, const Tensor& b, Tensor& dst) const {
    run_binary(Binary::div, onednn::Binary::div, a, b, dst);
    ctx.save(b);
    ctx.save(b.requires_grad() ? dst : Tensor());
  }
  // diff_a = diff_dst / b, diff_b = -diff_dst dst / b
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor quotient = diff_dst / ctx.saved(0);
    if (ctx.needs(0)) ctx.give(0, sum_to(quotient, ctx.input_shape(0)));
    if (ctx.needs(1)) ctx.give(1, neg(sum_to(quotient * ctx.saved(1), ctx.input_shape(1))));
  }
};

// --- a tensor and a number ---

/// What they share; the number is a part of the kernel's formula.
template <class Derived, Unary kFunction, bool kIntegersToo>
struct WithNumber {
  double number = 0;
  Spec infer(const Tensor& src) const {
    check_type(Derived::name, src.dtype(), kIntegersToo);
    pointwise::check_number(Derived::name, number, src.dtype());
    return src.spec_with_format();
  }
  std::string attributes() const { return fmt::format("{}", number); }
  void forward(Forward&, const Tensor& src, Tensor& dst) const { run(src, dst); }

 protected:
  void run(const Tensor& src, Tensor& dst) const { pointwise::unary(kFunction, src, dst, {number, 0}); }
};

struct AddNumber : WithNumber<AddNumber, Unary::add_number, true> {
  static constexpr std::string_view name = "add_number";
  // diff_src = diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst); }
};

struct NumberSub : WithNumber<NumberSub, Unary::number_sub, true> {
  static constexpr std::string_view name = "number_sub";
  // diff_src = -diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, neg(diff_dst)); }
};

struct MulNumber : WithNumber<MulNumber, Unary::mul_number, true> {
  static constexpr std::string_view name = "mul_number";
  // diff_src = number diff_dst
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst * number); }
};

struct DivNumber : WithNumber<DivNumber, Unary::div_number, false> {
  static constexpr std::string_view name = "div_number";
  // diff_src = diff_dst / number
  void backward(Backward& ctx, const Tensor& diff_dst) const { ctx.give(0, diff_dst / number); }
};

struct NumberDiv : WithNumber<NumberDiv, Unary::number_div, false> {
  static constexpr std::string_view name = "number_div";
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    run(src, dst);
    ctx.save(src);
    ctx.save(dst);
  }
  // diff_src = -diff_dst dst / src
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, neg(diff_dst * ctx.saved(1) / ctx.saved(0)));
  }
};

// --- gradients that are ops of their own ---

struct TanhBackward : FromForward<TanhBackward, Binary::tanh_backward> {
  static constexpr std::string_view name = "tanh_backward";
  // f = g (1 - y^2): df/dg = 1 - y^2, df/dy = -2 g y
  void backward(Backward& ctx, const Tensor& diff) const {
    const Tensor g = ctx.saved(0), y = ctx.saved(1);
    if (ctx.needs(0)) ctx.give(0, tanh_backward(diff, y));
    if (ctx.needs(1)) ctx.give(1, diff * g * y * -2);
  }
};

struct SigmoidBackward : FromForward<SigmoidBackward, Binary::sigmoid_backward> {
  static constexpr std::string_view name = "sigmoid_backward";
  // f = g y (1 - y): df/dg = y (1 - y), df/dy = g (1 - 2 y)
  void backward(Backward& ctx, const Tensor& diff) const {
    const Tensor g = ctx.saved(0), y = ctx.saved(1);
    if (ctx.needs(0)) ctx.give(0, sigmoid_backward(diff, y));
    if (ctx.needs(1)) ctx.give(1, diff * g * (1 - y * 2));
  }
};

struct ReluBackward : FromForward<ReluBackward, Binary::relu_backward> {
  static constexpr std::string_view name = "relu_backward";
  // f = g [y > 0]: df/dg = [y > 0], df/dy = 0 almost everywhere
  void backward(Backward& ctx, const Tensor& diff) const {
    if (ctx.needs(0)) ctx.give(0, relu_backward(diff, ctx.saved(1)));
  }
};

struct SqrtBackward : FromForward<SqrtBackward, Binary::sqrt_backward> {
  static constexpr std::string_view name = "sqrt_backward";
  // f = g / (2 y): df/dg = 1 / (2 y), df/dy = -g / (2 y^2)
  void backward(Backward& ctx, const Tensor& diff) const {
    const Tensor g = ctx.saved(0), y = ctx.saved(1);
    if (ctx.needs(0)) ctx.give(0, sqrt_backward(diff, y));
    if (ctx.needs(1)) ctx.give(1, neg(sqrt_backward(diff * g, square(y))));
  }
};

struct SquareBackward : FromForward<SquareBackward, Binary::square_backward> {
  static constexpr std::string_view name = "square_backward";
  // f = 2 g x: df/dg = 2 x, df/dx = 2 g
  void backward(Backward& ctx, const Tensor& diff) const {
    if (ctx.needs(0)) ctx.give(0, square_backward(diff, ctx.saved(1)));
    if (ctx.needs(1)) ctx.give(1, square_backward(diff, ctx.saved(0)));
  }
};

}  // namespace

Tensor add(const Tensor& a, const Tensor& b, Location where) { return apply(Add{}, where, a, b); }
Tensor sub(const Tensor& a, const Tensor& b, Location where) { return apply(Sub{}, where, a, b); }
Tensor mul(const Tensor& a, const Tensor& b, Location where) { return apply(Mul{}, where, a, b); }
Tensor div(const Tensor& a, const Tensor& b, Location where) { return apply(Div{}, where, a, b); }

Tensor add(const Tensor& a, double b, Location where) { return apply(AddNumber{{b}}, where, a); }
Tensor sub(const Tensor& a, double b, Location where) { return apply(AddNumber{{-b}}, where, a); }
Tensor sub(double a, const Tensor& b, Location where) { return apply(NumberSub{{a}}, where, b); }
Tensor mul(const Tensor& a, double b, Location where) { return apply(MulNumber{{b}}, where, a); }
Tensor div(const Tensor& a, double b, Location where) { return apply(DivNumber{{b}}, where, a); }
Tensor div(double a, const Tensor& b, Location where) { return apply(NumberDiv{{a}}, where, b); }

Tensor neg(const Tensor& x, Location where) { return apply(Neg{}, where, x); }
Tensor exp(const Tensor& x, Location where) { return apply(Exp{}, where, x); }
Tensor log(const Tensor& x, Location where) { return apply(Log{}, where, x); }
Tensor sqrt(const Tensor& x, Location where) { return apply(Sqrt{}, where, x); }
Tensor square(const Tensor& x, Location where) { return apply(Square{}, where, x); }
Tensor tanh(const Tensor& x, Location where) { return apply(Tanh{}, where, x); }
Tensor sigmoid(const Tensor& x, Location where) { return apply(Sigmoid{}, where, x); }
Tensor relu(const Tensor& x, Location where) { return apply(Relu{}, where, x); }

Tensor tanh_backward(const Tensor& diff_dst, const Tensor& dst, Location where) {
  return apply(TanhBackward{}, where, diff_dst, dst);
}
Tensor sigmoid_backward(const Tensor& diff_dst, const Tensor& dst, Location where) {
  return apply(SigmoidBackward{}, where, diff_dst, dst);
}
Tensor relu_backward(const Tensor& diff_dst, const Tensor& dst, Location where) {
  return apply(ReluBackward{}, where, diff_dst, dst);
}
Tensor sqrt_backward(const Tensor& diff_dst, const Tensor& dst, Location where) {
  return apply(SqrtBackward{}, where, diff_dst, dst);
}
Tensor square_backward(const Tensor& diff_dst, const Tensor& src, Location where) {
  return apply(SquareBackward{}, where, diff_dst, src);
}

}  // namespace dagrad
