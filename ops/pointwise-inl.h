// The formulas of the elementwise ops, for SIMD vectors of f32 and for plain numbers, each written once. Internal.
// Included once per SIMD target, so it has no ordinary include guard.

#if defined(DAGRAD_OPS_POINTWISE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DAGRAD_OPS_POINTWISE_INL_H
#undef DAGRAD_OPS_POINTWISE_INL_H
#else
#define DAGRAD_OPS_POINTWISE_INL_H
#endif

#include <cmath>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "dagrad/ops/pointwise.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::pointwise::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The functions that formulas are made of, on vectors of f32. Highway's own are wrapped where they are defined on a
/// part of the real line only, so that zeros, infinities and NaN give what std:: gives.
template <class D>
struct VectorMath {
  D d;
  using V = hn::Vec<D>;

  HWY_INLINE V set(double x) const { return hn::Set(d, static_cast<float>(x)); }
  HWY_INLINE V sqrt(V x) const { return hn::Sqrt(x); }
  /// NaN where x is; `or_else` elsewhere.
  HWY_INLINE V keep_nan(V x, V or_else) const { return hn::IfThenElse(hn::IsNaN(x), x, or_else); }

  HWY_INLINE V exp(V x) const {
    // Above log(FLT_MAX) infinity; the polynomial below it is within 1 ulp.
    const V overflow = set(88.72283935546875);
    const V y = hn::Exp(d, hn::Min(x, overflow));
    return keep_nan(x, hn::IfThenElse(hn::Gt(x, overflow), hn::Inf(d), y));
  }
  HWY_INLINE V log(V x) const {
    const V y = hn::Log(d, x);
    const V at_zero = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(hn::Inf(d)), hn::NaN(d));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::IfThenElse(hn::Eq(x, hn::Inf(d)), x, y), at_zero);
  }
  HWY_INLINE V tanh(V x) const {
    // Beyond 10 the result is 1 to the last bit; the bound keeps infinities out of the quotient.
    const V bounded = hn::Min(hn::Max(x, set(-10)), set(10));
    return keep_nan(x, hn::Tanh(d, bounded));
  }
  /// x where condition > 0 or is NaN, else 0.
  HWY_INLINE V where_positive(V condition, V x) const {
    return hn::IfThenElse(hn::Le(condition, hn::Zero(d)), hn::Zero(d), x);
  }
  /// x / y, but 0 where x is 0.
  HWY_INLINE V divide_unless_zero(V x, V y) const {
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Zero(d), hn::Div(x, y));
  }
};

/// The same functions on one number.
struct ScalarMath {
  static double set(double x) { return x; }
  static double sqrt(double x) { return std::sqrt(x); }
  static double exp(double x) { return std::exp(x); }
  static double log(double x) { return std::log(x); }
  static double tanh(double x) { return std::tanh(x); }
  static double where_positive(double condition, double x) { return condition <= 0 ? 0 : x; }
  static double divide_unless_zero(double x, double y) { return x == 0 ? 0 : x / y; }
};

/// Calls `use` with the formula of f.
template <class Use>
HWY_INLINE void with_formula(Unary f, const Use& use) {
  switch (f) {
    case Unary::neg: return use([](auto m, auto x) HWY_ATTR { return m.set(-1) * x; });
    case Unary::exp: return use([](auto m, auto x) HWY_ATTR { return m.exp(x); });
    case Unary::log: return use([](auto m, auto x) HWY_ATTR { return m.log(x); });
    case Unary::sqrt: return use([](auto m, auto x) HWY_ATTR { return m.sqrt(x); });
    case Unary::square: return use([](auto, auto x) HWY_ATTR { return x * x; });
    case Unary::tanh: return use([](auto m, auto x) HWY_ATTR { return m.tanh(x); });
    case Unary::sigmoid:
      return use([](auto m, auto x) HWY_ATTR { return m.set(1) / (m.set(1) + m.exp(m.set(-1) * x)); });
    case Unary::relu: return use([](auto m, auto x) HWY_ATTR { return m.where_positive(x, x); });
  }
}

template <class Use>
HWY_INLINE void with_formula(Binary f, const Use& use) {
  switch (f) {
    case Binary::add: return use([](auto, auto a, auto b) HWY_ATTR { return a + b; });
    case Binary::sub: return use([](auto, auto a, auto b) HWY_ATTR { return a - b; });
    case Binary::mul: return use([](auto, auto a, auto b) HWY_ATTR { return a * b; });
    case Binary::div: return use([](auto, auto a, auto b) HWY_ATTR { return a / b; });
    case Binary::tanh_backward: return use([](auto m, auto dy, auto y) HWY_ATTR { return dy * (m.set(1) - y * y); });
    case Binary::sigmoid_backward: return use([](auto m, auto dy, auto y) HWY_ATTR { return dy * y * (m.set(1) - y); });
    case Binary::relu_backward: return use([](auto m, auto dy, auto y) HWY_ATTR { return m.where_positive(y, dy); });
    case Binary::sqrt_backward:
      return use([](auto m, auto dy, auto y) HWY_ATTR { return m.divide_unless_zero(dy, y + y); });
  }
}

}  // namespace dagrad::pointwise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
