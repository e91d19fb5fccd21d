// Activations: each forward and each first derivative is a fused kernel (their formulas stand in pointwise-inl.h), and
// the derivative of the latter is written in ops.
#include "dagrad/ops/activation.h"

#include <cmath>
#include <fmt/format.h>
#include <numbers>

#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using pointwise::Binary;
using pointwise::FromForward;
using pointwise::Keep;
using pointwise::Numbers;
using pointwise::Unary;
using pointwise::UnaryOp;

/// An activation y = f(x) whose backward is the op BackwardOp(diff_dst, x).
template <class Derived, Unary kFunction, class BackwardOp>
struct Activation : UnaryOp<Derived, kFunction, Keep::src> {
  Numbers constants;
  Numbers numbers() const { return constants; }
  // diff_src = diff_dst f'(src)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(BackwardOp{{{}, constants}}, Location::current(), diff_dst, ctx.saved(0)));
  }
};

/// Its backward h = g f'(x), which is linear in g; `Derived::second(x)` is f''(x), undefined where that is 0.
template <class Derived, Binary kFunction>
struct ActivationBackward : FromForward<Derived, kFunction> {
  Numbers constants;
  Numbers numbers() const { return constants; }
  // dh/dg = f'(x), dh/dx = g f''(x)
  void backward(Backward& ctx, const Tensor& diff) const {
    const auto& self = static_cast<const Derived&>(*this);
    const Tensor g = ctx.saved(0), x = ctx.saved(1);
    if (ctx.needs(0)) ctx.give(0, apply(self, Location::current(), diff, x));
    if (!ctx.needs(1)) return;
    const Tensor second = self.second(x);
    if (second.defined()) ctx.give(1, diff * g * second);
  }
};

/// 1 where x <= 0, else 0.
Tensor below_zero(const Tensor& x) { return to(le(x, 0), x.dtype()); }

struct LeakyReluBackward : ActivationBackward<LeakyReluBackward, Binary::leaky_relu_backward> {
  static constexpr std::string_view name = "leaky_relu_backward";
  static Tensor second(const Tensor&) { return {}; }
};
struct LeakyRelu : Activation<LeakyRelu, Unary::leaky_relu, LeakyReluBackward> {
  static constexpr std::string_view name = "leaky_relu";
  std::string attributes() const { return fmt::format("slope={}", constants.a); }
};

struct EluBackward : ActivationBackward<EluBackward, Binary::elu_backward> {
  static constexpr std::string_view name = "elu_backward";
  // alpha e^x below 0
  Tensor second(const Tensor& x) const {
    return exp(clamp(x, -INFINITY, 0)) * below_zero(x) * (constants.a * constants.b);
  }
};
struct Elu : Activation<Elu, Unary::elu, EluBackward> {
  static constexpr std::string_view name = "elu";
  std::string attributes() const { return fmt::format("alpha={}, scale={}", constants.a, constants.b); }
};

struct GeluBackward : ActivationBackward<GeluBackward, Binary::gelu_backward> {
  static constexpr std::string_view name = "gelu_backward";
  // phi(x) (2 - x^2)
  static Tensor second(const Tensor& x) {
    const Tensor squares = square(x);
    return exp(squares * -0.5) * (2 - squares) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  }
};
struct Gelu : Activation<Gelu, Unary::gelu, GeluBackward> {
  static constexpr std::string_view name = "gelu";
};

struct GeluTanhBackward : ActivationBackward<GeluTanhBackward, Binary::gelu_tanh_backward> {
  static constexpr std::string_view name = "gelu_tanh_backward";
  // with u = k (x + c x^3), t = tanh(u): (1 - t^2) (u' + x (u'' / 2 - t u'^2))
  static Tensor second(const Tensor& x) {
    constexpr double k = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, c = 0.044715;
    const Tensor squares = square(x);
    const Tensor t = tanh(x * (squares * c + 1) * k);
    const Tensor slope = (squares * (3 * c) + 1) * k;
    return (1 - square(t)) * (slope + x * (x * (3 * c * k) - t * square(slope)));
  }
};
struct GeluTanh : Activation<GeluTanh, Unary::gelu_tanh, GeluTanhBackward> {
  static constexpr std::string_view name = "gelu_tanh";
};

struct SiluBackward : ActivationBackward<SiluBackward, Binary::silu_backward> {
  static constexpr std::string_view name = "silu_backward";
  // with s = sigmoid(x): s (1 - s) (2 + x (1 - 2 s))
  static Tensor second(const Tensor& x) {
    const Tensor s = sigmoid(x);
    return s * (1 - s) * (x * (1 - s * 2) + 2);
  }
};
struct Silu : Activation<Silu, Unary::silu, SiluBackward> {
  static constexpr std::string_view name = "silu";
};

struct MishBackward : ActivationBackward<MishBackward, Binary::mish_backward> {
  static constexpr std::string_view name = "mish_backward";
  // with t = tanh(softplus(x)), s = sigmoid(x): s (1 - t^2) (2 + x (1 - s - 2 t s))
  static Tensor second(const Tensor& x) {
    const Tensor t = tanh(softplus(x)), s = sigmoid(x);
    return s * (1 - square(t)) * (x * (1 - s - t * s * 2) + 2);
  }
};
struct Mish : Activation<Mish, Unary::mish, MishBackward> {
  static constexpr std::string_view name = "mish";
};

struct SoftplusBackward : ActivationBackward<SoftplusBackward, Binary::softplus_backward> {
  static constexpr std::string_view name = "softplus_backward";
  // with s = sigmoid(beta x): beta s (1 - s)
  Tensor second(const Tensor& x) const {
    const Tensor s = sigmoid(x * constants.a);
    return s * (1 - s) * constants.a;
  }
};
struct Softplus : Activation<Softplus, Unary::softplus, SoftplusBackward> {
  static constexpr std::string_view name = "softplus";
  std::string attributes() const { return fmt::format("beta={}", constants.a); }
};

struct LogSigmoidBackward : ActivationBackward<LogSigmoidBackward, Binary::log_sigmoid_backward> {
  static constexpr std::string_view name = "log_sigmoid_backward";
  // with s = sigmoid(x): -s (1 - s)
  static Tensor second(const Tensor& x) {
    const Tensor s = sigmoid(x);
    return s * (s - 1);
  }
};
struct LogSigmoid : Activation<LogSigmoid, Unary::log_sigmoid, LogSigmoidBackward> {
  static constexpr std::string_view name = "log_sigmoid";
};

struct HardSigmoidBackward : ActivationBackward<HardSigmoidBackward, Binary::hard_sigmoid_backward> {
  static constexpr std::string_view name = "hard_sigmoid_backward";
  static Tensor second(const Tensor&) { return {}; }
};
struct HardSigmoid : Activation<HardSigmoid, Unary::hard_sigmoid, HardSigmoidBackward> {
  static constexpr std::string_view name = "hard_sigmoid";
  static constexpr std::string_view zero_gradient = "where the input is not between -3 and 3";
};

struct HardSwishBackward : ActivationBackward<HardSwishBackward, Binary::hard_swish_backward> {
  static constexpr std::string_view name = "hard_swish_backward";
  // 1/3 between -3 and 3
  static Tensor second(const Tensor& x) { return to(lt(abs(x.detach()), 3), x.dtype()) / 3; }
};
struct HardSwish : Activation<HardSwish, Unary::hard_swish, HardSwishBackward> {
  static constexpr std::string_view name = "hard_swish";
  static constexpr std::string_view zero_gradient = "where the input is less than -3";
};

}  // namespace

Tensor leaky_relu(const Tensor& x, double slope, Location where) {
  return apply(LeakyRelu{{{}, {slope, 0}}}, where, x);
}

Tensor prelu(const Tensor& x, const Tensor& slope, Location where) {
  if (slope.dim() != 1 || (slope.numel() != 1 && (x.dim() < 2 || slope.numel() != x.size(1)))) {
    throw ShapeError(fmt::format("prelu: slope is {}, x is {} (want slope of [1], or of [C] for x of [N, C, ...])",
                                 slope.shape().str(), x.shape().str()));
  }
  Shape shape = Shape::filled(x.dim(), 1);
  if (slope.numel() != 1) shape[1] = slope.numel();
  return add(relu(x, where), mul(reshape(slope, shape, where), clamp(x, -INFINITY, 0, where), where), where);
}

Tensor elu(const Tensor& x, double alpha, Location where) { return apply(Elu{{{}, {alpha, 1}}}, where, x); }
Tensor selu(const Tensor& x, Location where) {
  return apply(Elu{{{}, {1.6732632423543772848170429916717, 1.0507009873554804934193349852946}}}, where, x);
}
Tensor gelu(const Tensor& x, Location where) { return apply(Gelu{}, where, x); }
Tensor gelu_backward(const Tensor& diff_dst, const Tensor& x, Location where) {
  return apply(GeluBackward{}, where, diff_dst, x);
}
Tensor gelu_tanh(const Tensor& x, Location where) { return apply(GeluTanh{}, where, x); }
Tensor silu(const Tensor& x, Location where) { return apply(Silu{}, where, x); }
Tensor mish(const Tensor& x, Location where) { return apply(Mish{}, where, x); }
Tensor softplus(const Tensor& x, double beta, Location where) {
  if (!(beta > 0)) throw UsageError(fmt::format("softplus: beta is {} (want beta > 0)", beta));
  return apply(Softplus{{{}, {beta, 0}}}, where, x);
}
Tensor log_sigmoid(const Tensor& x, Location where) { return apply(LogSigmoid{}, where, x); }
Tensor hard_sigmoid(const Tensor& x, Location where) { return apply(HardSigmoid{}, where, x); }
Tensor hard_swish(const Tensor& x, Location where) { return apply(HardSwish{}, where, x); }
Tensor hard_tanh(const Tensor& x, double low, double high, Location where) { return clamp(x, low, high, where); }

Tensor swish(const Tensor& x, Location where) { return silu(x, where); }
Tensor logsigmoid(const Tensor& x, Location where) { return log_sigmoid(x, where); }
Tensor hardsigmoid(const Tensor& x, Location where) { return hard_sigmoid(x, where); }
Tensor hardswish(const Tensor& x, Location where) { return hard_swish(x, where); }
Tensor hardtanh(const Tensor& x, double low, double high, Location where) { return hard_tanh(x, low, high, where); }

}  // namespace dagrad
