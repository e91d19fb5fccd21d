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

#include "dagrad/ops/inverse_erf.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/tanh_parts.h"

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
  HWY_INLINE V abs(V x) const { return hn::Abs(x); }
  HWY_INLINE V sqrt(V x) const { return hn::Sqrt(x); }
  HWY_INLINE V floor(V x) const { return hn::Floor(x); }
  HWY_INLINE V ceil(V x) const { return hn::Ceil(x); }
  HWY_INLINE V round(V x) const { return hn::Round(x); }
  HWY_INLINE V trunc(V x) const { return hn::Trunc(x); }
  /// x > y ? yes : no; `no` where x or y is NaN.
  HWY_INLINE V if_greater(V x, V y, V yes, V no) const { return hn::IfThenElse(hn::Gt(x, y), yes, no); }
  HWY_INLINE V if_equal(V x, V y, V yes, V no) const { return hn::IfThenElse(hn::Eq(x, y), yes, no); }
  /// NaN where x is; `or_else` elsewhere.
  HWY_INLINE V keep_nan(V x, V or_else) const { return hn::IfThenElse(hn::IsNaN(x), x, or_else); }

  HWY_INLINE V exp(V x) const {
    // Above log(FLT_MAX) infinity; the polynomial below it is within 1 ulp.
    const V overflow = set(88.72283935546875);
    const V y = hn::Exp(d, hn::Min(x, overflow));
    return keep_nan(x, hn::IfThenElse(hn::Gt(x, overflow), hn::Inf(d), y));
  }
  /// For x <= 0, in two thirds of the time: 0 below -87, where e^x is less than 2e-38.
  HWY_INLINE V exp_of_negative(V x) const {
    const V least = set(-87), y = exp_of_moderate(hn::Max(x, least));
    return keep_nan(x, hn::IfThenZeroElse(hn::Lt(x, least), y));
  }
  HWY_INLINE V expm1(V x) const {
    const V overflow = set(88.72283935546875);
    const V y = hn::Expm1(d, hn::Min(x, overflow));
    return keep_nan(x, hn::IfThenElse(hn::Gt(x, overflow), hn::Inf(d), y));
  }
  HWY_INLINE V log(V x) const { return positive_only(x, hn::Log(d, x)); }
  HWY_INLINE V log2(V x) const { return positive_only(x, hn::Log2(d, x)); }
  HWY_INLINE V log1p(V x) const {
    const V one = set(1);
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, positive_only(hn::Add(x, one), hn::Log1p(d, x)));
  }
  HWY_INLINE V tanh(V x) const {
    if constexpr (HWY_TARGET <= HWY_AVX3 && hn::MaxLanes(D()) == 16) return tanh_by_parts(x);
    // Below 5/8 the first terms of the odd series (interpolating at Chebyshev nodes), beyond it 1 - 2 / (e^2|x| + 1),
    // which is 1 to the last bit from 20 on. Within 1.4 ulp (every seventh float was tried), in half the time of
    // Highway's. The comparison is false for NaN, which so goes through the series.
    const V t = hn::Abs(x), y = hn::Mul(x, x);
    const V series = polynomial(y, -6.096714166e-3, 2.0997179e-2, -5.385090958e-2, 1.333276974e-1, -3.333332894e-1);
    const V near = hn::MulAdd(hn::Mul(x, y), series, x);
    const V two = set(2), e = exp_of_moderate(hn::Min(hn::Add(t, t), set(40)));
    const V far = hn::Sub(set(1), hn::Div(two, hn::Add(e, set(1))));
    return hn::IfThenElse(hn::Ge(t, set(0.625)), hn::CopySignToAbs(far, x), near);
  }
  HWY_INLINE V sigmoid(V x) const {
    // Where e^-x overflows, 0. Within 2.5 ulp (every seventh float was tried).
    const V overflow = set(88.72283935546875), minus_x = hn::Neg(x);
    const V e = exp_of_moderate(hn::Min(hn::Max(minus_x, set(-87)), overflow));
    const V y = hn::Div(set(1), hn::Add(e, set(1)));
    return keep_nan(x, hn::IfThenZeroElse(hn::Gt(minus_x, overflow), y));
  }
  HWY_INLINE V sin(V x) const {
    return beyond_reduction(x) ? by_element(x, [](float v) { return std::sin(v); }) : hn::Sin(d, x);
  }
  HWY_INLINE V cos(V x) const {
    return beyond_reduction(x) ? by_element(x, [](float v) { return std::cos(v); }) : hn::Cos(d, x);
  }
  HWY_INLINE V erf(V x) const {
    // Up to 1 a polynomial for erf(t) / t - 1, beyond it one for log(1 - erf(t)), both interpolating at Chebyshev
    // nodes; from 4 on the result is 1 to the last bit. Within 1.3 ulp (every fifth float up to 5 was tried). A call of
    // std::erf for each element took 20 times as long.
    const V t = hn::Min(hn::Abs(x), set(4));
    const V near = polynomial(hn::Mul(t, t), 7.875875063e-5, -8.016864287e-4, 5.189087423e-3, -2.685421201e-2,
                              1.128359472e-1, -3.761262667e-1, 1.283791658e-1);
    const V far = polynomial(t, 1.637151415e-6, -4.605804269e-5, 5.968056257e-4, -4.759596293e-3, 2.642113601e-2,
                             -1.100800829e-1, -6.318260516e-1, -1.130233435, 3.201380497e-4);
    const V y = hn::IfThenElse(hn::Lt(t, set(1)), hn::MulAdd(near, t, t), hn::Sub(set(1), exp_of_moderate(far)));
    return keep_nan(x, hn::CopySign(y, x));
  }
  HWY_INLINE V tan(V x) const { return hn::Div(sin(x), cos(x)); }
  // Highway's give NaN outside of [-1, 1] by themselves: they take the root of 1 - |x|.
  HWY_INLINE V asin(V x) const { return hn::Asin(d, x); }
  HWY_INLINE V acos(V x) const { return hn::Acos(d, x); }
  HWY_INLINE V atan(V x) const { return keep_nan(x, hn::Atan(d, x)); }
  HWY_INLINE V sinh(V x) const {
    // Of e^|x| - 1, which keeps digits near 0; from 16 on half of e^|x|, as a product so that it does not overflow
    // before its time.
    const V t = hn::Abs(x), y = hn::Expm1(d, hn::Min(t, set(16))), h = exp(hn::Mul(set(0.5), t));
    const V near = hn::Mul(set(0.5), hn::Add(y, hn::Div(y, hn::Add(y, set(1)))));
    const V far = hn::Mul(hn::Mul(set(0.5), h), h);
    return keep_nan(x, hn::CopySign(hn::IfThenElse(hn::Lt(t, set(16)), near, far), x));
  }
  HWY_INLINE V cosh(V x) const {
    const V h = exp(hn::Mul(set(0.5), hn::Abs(x)));
    return hn::Add(hn::Mul(hn::Mul(set(0.5), h), h), hn::Div(set(0.5), hn::Mul(h, h)));
  }
  HWY_INLINE V asinh(V x) const {
    return by_element(x, [](float v) { return std::asinh(v); });
  }
  HWY_INLINE V acosh(V x) const {
    return by_element(x, [](float v) { return std::acosh(v); });
  }
  HWY_INLINE V atanh(V x) const {
    return by_element(x, [](float v) { return std::atanh(v); });
  }
  HWY_INLINE V exp2(V x) const {
    // x = q + r with a whole q, exactly; 2^r by a polynomial (interpolating at Chebyshev nodes), and q on top of its
    // exponent. Within 1 ulp.
    if (!hn::AllTrue(d, hn::Le(hn::Abs(x), set(126)))) return by_element(x, [](float v) { return std::exp2(v); });
    const hn::RebindToUnsigned<D> bits;
    const V shifter = set(12582912), shifted = hn::Add(x, shifter), r = hn::Sub(x, hn::Sub(shifted, shifter));
    const V y =
        polynomial(r, 1.545316294e-4, 1.339086336e-3, 9.618082557e-3, 5.550357114e-2, 2.402265076e-1, 6.931471880e-1);
    const V e = hn::MulAdd(y, r, set(1));
    return hn::BitCast(d, hn::Add(hn::BitCast(bits, e), hn::ShiftLeft<23>(hn::BitCast(bits, shifted))));
  }
  HWY_INLINE V log10(V x) const { return positive_only(x, hn::Log10(d, x)); }
  HWY_INLINE V erfc(V x) const {
    return by_element(x, [](float v) { return std::erfc(v); });
  }
  HWY_INLINE V erfinv(V x) const {
    return by_element(x, [](float v) { return static_cast<float>(inverse_erf(v)); });
  }
  HWY_INLINE V pow(V x, V y) const {
    return by_pairs(x, y, [](float a, float b) { return std::pow(a, b); });
  }
  HWY_INLINE V atan2(V y, V x) const {
    // Of the angle in the first eighth, in f64, whose roundings are nothing beside those of f32.
    return in_f64(y, x, [](auto wide, auto b, auto a) HWY_ATTR {
      const auto of_a = hn::Abs(a), of_b = hn::Abs(b), zero = hn::Zero(wide);
      const auto larger = hn::Max(of_a, of_b), smaller = hn::Min(of_a, of_b);
      const auto one = hn::Set(wide, 1.0), half_turn = hn::Set(wide, 3.14159265358979323846);
      const auto quotient = hn::IfThenElse(hn::Eq(larger, zero), zero, hn::Div(smaller, larger));
      const auto eighth = hn::IfThenElse(hn::Eq(smaller, hn::Inf(wide)), one, quotient);
      const auto angle = hn::Atan(wide, eighth);
      const auto quarter =
          hn::IfThenElse(hn::Gt(of_b, of_a), hn::Sub(hn::Mul(half_turn, hn::Set(wide, 0.5)), angle), angle);
      const auto left = hn::MaskFromVec(hn::BroadcastSignBit(hn::BitCast(hn::RebindToSigned<decltype(wide)>(), a)));
      const auto half = hn::IfThenElse(hn::RebindMask(wide, left), hn::Sub(half_turn, quarter), quarter);
      const auto nan = hn::Add(a, b);
      return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::IsNaN(b)), nan, hn::CopySign(half, b));
    });
  }
  HWY_INLINE V hypot(V x, V y) const {
    // No square of an f32 overflows in f64. An infinity counts more than a NaN.
    const V result =
        in_f64(x, y, [](auto, auto a, auto b) HWY_ATTR { return hn::Sqrt(hn::MulAdd(a, a, hn::Mul(b, b))); });
    return hn::IfThenElse(hn::Or(hn::Eq(abs(x), hn::Inf(d)), hn::Eq(abs(y), hn::Inf(d))), hn::Inf(d), result);
  }
  HWY_INLINE V fmod(V x, V y) const {
    // While the quotient is below 2^28, f64 has all digits of it times y and of what is left; and the nearest f64 to
    // a quotient is no whole number unless the quotient is: it differs from one by 2^-52 of it at least.
    const V quotient = hn::Div(abs(x), abs(y));
    const auto exact = hn::And(hn::Lt(quotient, set(0x1p28 - 64)), hn::Lt(abs(y), hn::Inf(d)));
    if (!hn::AllTrue(d, exact)) return by_pairs(x, y, [](float a, float b) { return std::fmod(a, b); });
    const V rest = in_f64(abs(x), abs(y),
                          [](auto, auto a, auto b) HWY_ATTR { return hn::NegMulAdd(hn::Trunc(hn::Div(a, b)), b, a); });
    return hn::CopySign(rest, x);
  }
  /// x where condition > 0 or is NaN, else 0.
  HWY_INLINE V where_positive(V condition, V x) const {
    return hn::IfThenElse(hn::Le(condition, hn::Zero(d)), hn::Zero(d), x);
  }
  /// x / y, but 0 where x is 0.
  HWY_INLINE V divide_unless_zero(V x, V y) const {
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Zero(d), hn::Div(x, y));
  }

 private:
  /// A logarithm `y` of x with its limits: -inf at 0, inf at inf, NaN below 0 and at NaN.
  HWY_INLINE V positive_only(V x, V y) const {
    const V at_zero = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(hn::Inf(d)), hn::NaN(d));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::IfThenElse(hn::Eq(x, hn::Inf(d)), x, y), at_zero);
  }
  /// e^x to 1 ulp for x from -87 to log(FLT_MAX), without a look at other x.
  HWY_INLINE V exp_of_moderate(V x) const {
    // x = q log 2 + r. A float near 1.5 2^23 has steps of 1: adding it rounds to q, and leaves q in the lowest bits,
    // from where it goes on top of the exponent of e^r.
    const hn::RebindToUnsigned<D> bits;
    const V shifter = set(12582912), shifted = hn::MulAdd(x, set(1.44269504088896341), shifter);
    const V q = hn::Sub(shifted, shifter);
    // log 2 in two parts, of which the first has so few bits that its product with q is exact.
    const V r = hn::MulAdd(q, set(-1.428606820309417e-6), hn::MulAdd(q, set(-0.693145751953125), x));
    const V y = polynomial(r, 1.39261775e-3, 8.36317418e-3, 4.166655465e-2, 1.666657702e-1, 0.5);
    const V e = hn::Add(hn::MulAdd(hn::Mul(r, r), y, r), set(1));
    return hn::BitCast(d, hn::Add(hn::BitCast(bits, e), hn::ShiftLeft<23>(hn::BitCast(bits, shifted))));
  }
  /// Within 1.2 ulp (every eleventh float was tried), in 0.63 of the time: see TanhParts.
  HWY_INLINE V tanh_by_parts(V x) const {
    const hn::RebindToUnsigned<D> bits;
    const hn::RebindToSigned<D> whole;
    const V t = hn::Min(set(TanhParts::kEnd), hn::Abs(x));  // the second operand where one is NaN
    const auto number = hn::ShiftRight<TanhParts::kPartBit>(hn::BitCast(bits, hn::Add(t, set(TanhParts::kShift))));
    const auto part = hn::IndicesFromVec(d, hn::BitCast(whole, hn::And(number, hn::Set(bits, 15))));
    const auto of_part = [&](const auto& table)
                             HWY_ATTR { return hn::TableLookupLanes(hn::Load(d, table.data()), part); };
    const auto& p = kTanhParts.p;
    const V u = hn::Sub(t, of_part(kTanhParts.c)), square = hn::Mul(u, u);
    // In pairs, which do not wait for each other.
    const V low = hn::MulAdd(of_part(p[2]), u, of_part(p[1])), middle = hn::MulAdd(of_part(p[4]), u, of_part(p[3]));
    const V high = hn::MulAdd(of_part(p[6]), u, of_part(p[5]));
    const V y = hn::MulAdd(hn::MulAdd(hn::MulAdd(high, square, middle), square, low), u, of_part(p[0]));
    return hn::OrAnd(y, x, hn::SignBit(d));
  }
  /// The polynomial in x with these coefficients, the highest power's first.
  template <class... C>
  HWY_INLINE V polynomial(V x, double highest, C... others) const {
    V sum = set(highest);
    ((sum = hn::MulAdd(sum, x, set(others))), ...);
    return sum;
  }
  /// Whether an angle is too large for Highway's reduction to a quarter turn, or none.
  HWY_INLINE bool beyond_reduction(V x) const { return !hn::AllTrue(d, hn::Le(hn::Abs(x), set(39000))); }
  /// f of both in f64, half a vector at a time.
  template <class F>
  HWY_INLINE V in_f64(V x, V y, F f) const {
#if HWY_TARGET == HWY_SCALAR
    const hn::Rebind<double, D> wide;
    return hn::DemoteTo(d, f(wide, hn::PromoteTo(wide, x), hn::PromoteTo(wide, y)));
#else
    const hn::Half<D> half;
    const hn::Rebind<double, decltype(half)> wide;
    const auto of_half = [&](auto a, auto b) HWY_ATTR {
      return hn::DemoteTo(half, f(wide, hn::PromoteTo(wide, a), hn::PromoteTo(wide, b)));
    };
    const auto low = of_half(hn::LowerHalf(half, x), hn::LowerHalf(half, y));
    const auto high = of_half(hn::UpperHalf(half, x), hn::UpperHalf(half, y));
    return hn::Combine(d, high, low);
#endif
  }
  template <class F>
  HWY_INLINE V by_element(V x, F f) const {
    HWY_ALIGN float values[hn::MaxLanes(D())];
    hn::Store(x, d, values);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) values[i] = f(values[i]);
    return hn::Load(d, values);
  }
  template <class F>
  HWY_INLINE V by_pairs(V x, V y, F f) const {
    HWY_ALIGN float of_x[hn::MaxLanes(D())], of_y[hn::MaxLanes(D())];
    hn::Store(x, d, of_x);
    hn::Store(y, d, of_y);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) of_x[i] = f(of_x[i], of_y[i]);
    return hn::Load(d, of_x);
  }
};

/// The same functions on one number.
struct ScalarMath {
  static double set(double x) { return x; }
  static double abs(double x) { return std::abs(x); }
  static double sqrt(double x) { return std::sqrt(x); }
  static double floor(double x) { return std::floor(x); }
  static double ceil(double x) { return std::ceil(x); }
  static double round(double x) { return std::nearbyint(x); }
  static double trunc(double x) { return std::trunc(x); }
  static double exp(double x) { return std::exp(x); }
  static double expm1(double x) { return std::expm1(x); }
  static double log(double x) { return std::log(x); }
  static double log2(double x) { return std::log2(x); }
  static double log1p(double x) { return std::log1p(x); }
  static double tanh(double x) { return std::tanh(x); }
  static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
  static double sin(double x) { return std::sin(x); }
  static double cos(double x) { return std::cos(x); }
  static double erf(double x) { return std::erf(x); }
  static double tan(double x) { return std::tan(x); }
  static double asin(double x) { return std::asin(x); }
  static double acos(double x) { return std::acos(x); }
  static double atan(double x) { return std::atan(x); }
  static double sinh(double x) { return std::sinh(x); }
  static double cosh(double x) { return std::cosh(x); }
  static double asinh(double x) { return std::asinh(x); }
  static double acosh(double x) { return std::acosh(x); }
  static double atanh(double x) { return std::atanh(x); }
  static double exp2(double x) { return std::exp2(x); }
  static double log10(double x) { return std::log10(x); }
  static double erfc(double x) { return std::erfc(x); }
  static double erfinv(double x) { return inverse_erf(x); }
  static double pow(double x, double y) { return std::pow(x, y); }
  static double atan2(double y, double x) { return std::atan2(y, x); }
  static double hypot(double x, double y) { return std::hypot(x, y); }
  static double fmod(double x, double y) { return std::fmod(x, y); }
  static double if_greater(double x, double y, double yes, double no) { return x > y ? yes : no; }
  static double if_equal(double x, double y, double yes, double no) { return x == y ? yes : no; }
  static double where_positive(double condition, double x) { return condition <= 0 ? 0 : x; }
  static double divide_unless_zero(double x, double y) { return x == 0 ? 0 : x / y; }
};

// Formulas that others are made of. M is one of the two above.

/// log(1 + e^x) without overflow: max(x, 0) + log1p(e^-|x|).
template <class M, class V>
HWY_INLINE V softplus_of(M m, V x) {
  return m.where_positive(x, x) + m.log1p(m.exp(m.set(-1) * m.abs(x)));
}
template <class M, class V>
HWY_INLINE V clamp_of(M m, V x, V low, V high) {
  return m.if_greater(low, x, low, m.if_greater(x, high, high, x));
}
/// log(x / (1 - x)), near 1/2 by way of its distance to 1, which keeps digits there.
template <class M, class V>
HWY_INLINE V logit_of(M m, V x) {
  const V rest = m.set(1) - x;
  return m.if_greater(m.abs(x - m.set(0.5)), m.set(0.25), m.log(x / rest), m.log1p((x + x - m.set(1)) / rest));
}
/// The remainder of a / b with b's sign, from the one with a's sign.
template <class M, class V>
HWY_INLINE V remainder_of(M m, V a, V b) {
  const V r = m.fmod(a, b), zero = m.set(0);
  const V other_sign = m.if_greater(zero, r * m.if_greater(b, zero, m.set(1), m.set(-1)), r + b, r);
  return m.if_equal(r, zero, zero, other_sign);
}
/// log(e^a + e^b) without overflow.
template <class M, class V>
HWY_INLINE V logaddexp_of(M m, V a, V b) {
  const V larger = m.if_greater(a, b, a, b), sum = larger + m.log1p(m.exp(m.set(-1) * m.abs(a - b)));
  return m.if_equal(a, b, a + m.set(0.69314718055994530942), sum);
}
/// The normal distribution's density.
template <class M, class V>
HWY_INLINE V density_of(M m, V x) {
  return m.set(0.39894228040143267794) * m.exp(m.set(-0.5) * x * x);
}
/// The argument of the tanh in gelu's approximation, sqrt(2 / pi) (x + 0.044715 x^3).
template <class M, class V>
HWY_INLINE V gelu_inner(M m, V x) {
  return m.set(0.79788456080286535588) * x * (m.set(1) + m.set(0.044715) * x * x);
}

/// Calls `use` with the formula of f.
template <class Use>
HWY_INLINE void with_formula(Unary f, Numbers n, const Use& use) {
  switch (f) {
    case Unary::neg: return use([](auto m, auto x) HWY_ATTR { return m.set(-1) * x; });
    case Unary::abs: return use([](auto m, auto x) HWY_ATTR { return m.abs(x); });
    case Unary::sign:
      return use([](auto m, auto x)
                     HWY_ATTR { return m.if_greater(x, m.set(0), m.set(1), m.if_greater(m.set(0), x, m.set(-1), x)); });
    case Unary::exp: return use([](auto m, auto x) HWY_ATTR { return m.exp(x); });
    case Unary::exp2: return use([](auto m, auto x) HWY_ATTR { return m.exp2(x); });
    case Unary::expm1: return use([](auto m, auto x) HWY_ATTR { return m.expm1(x); });
    case Unary::log: return use([](auto m, auto x) HWY_ATTR { return m.log(x); });
    case Unary::log10: return use([](auto m, auto x) HWY_ATTR { return m.log10(x); });
    case Unary::logit: return use([](auto m, auto x) HWY_ATTR { return logit_of(m, x); });
    case Unary::log1p: return use([](auto m, auto x) HWY_ATTR { return m.log1p(x); });
    case Unary::log2: return use([](auto m, auto x) HWY_ATTR { return m.log2(x); });
    case Unary::sqrt: return use([](auto m, auto x) HWY_ATTR { return m.sqrt(x); });
    case Unary::rsqrt: return use([](auto m, auto x) HWY_ATTR { return m.set(1) / m.sqrt(x); });
    case Unary::reciprocal: return use([](auto m, auto x) HWY_ATTR { return m.set(1) / x; });
    case Unary::square: return use([](auto, auto x) HWY_ATTR { return x * x; });
    case Unary::sin: return use([](auto m, auto x) HWY_ATTR { return m.sin(x); });
    case Unary::cos: return use([](auto m, auto x) HWY_ATTR { return m.cos(x); });
    case Unary::tan: return use([](auto m, auto x) HWY_ATTR { return m.tan(x); });
    case Unary::asin: return use([](auto m, auto x) HWY_ATTR { return m.asin(x); });
    case Unary::acos: return use([](auto m, auto x) HWY_ATTR { return m.acos(x); });
    case Unary::atan: return use([](auto m, auto x) HWY_ATTR { return m.atan(x); });
    case Unary::sinh: return use([](auto m, auto x) HWY_ATTR { return m.sinh(x); });
    case Unary::cosh: return use([](auto m, auto x) HWY_ATTR { return m.cosh(x); });
    case Unary::asinh: return use([](auto m, auto x) HWY_ATTR { return m.asinh(x); });
    case Unary::acosh: return use([](auto m, auto x) HWY_ATTR { return m.acosh(x); });
    case Unary::atanh: return use([](auto m, auto x) HWY_ATTR { return m.atanh(x); });
    case Unary::tanh: return use([](auto m, auto x) HWY_ATTR { return m.tanh(x); });
    case Unary::sigmoid: return use([](auto m, auto x) HWY_ATTR { return m.sigmoid(x); });
    case Unary::erf: return use([](auto m, auto x) HWY_ATTR { return m.erf(x); });
    case Unary::erfc: return use([](auto m, auto x) HWY_ATTR { return m.erfc(x); });
    case Unary::erfinv: return use([](auto m, auto x) HWY_ATTR { return m.erfinv(x); });
    case Unary::number_pow: return use([n](auto m, auto x) HWY_ATTR { return m.pow(m.set(n.a), x); });
    case Unary::add_number: return use([n](auto m, auto x) HWY_ATTR { return x + m.set(n.a); });
    case Unary::number_sub: return use([n](auto m, auto x) HWY_ATTR { return m.set(n.a) - x; });
    case Unary::mul_number: return use([n](auto m, auto x) HWY_ATTR { return x * m.set(n.a); });
    case Unary::div_number: return use([n](auto m, auto x) HWY_ATTR { return x / m.set(n.a); });
    case Unary::number_div: return use([n](auto m, auto x) HWY_ATTR { return m.set(n.a) / x; });
    case Unary::pow:
      // Small whole exponents as products.
      if (n.a == 1) return use([](auto, auto x) HWY_ATTR { return x; });
      if (n.a == 2) return use([](auto, auto x) HWY_ATTR { return x * x; });
      if (n.a == 3) return use([](auto, auto x) HWY_ATTR { return x * x * x; });
      if (n.a == -1) return use([](auto m, auto x) HWY_ATTR { return m.set(1) / x; });
      if (n.a == -2) {  // whose square is out of range in places where its inverse is not
        return use([](auto m, auto x) HWY_ATTR {
          const auto inverse = m.set(1) / x, square = x * x;
          return m.if_greater(square, m.set(0x1p-120), m.set(1) / square, inverse * inverse);
        });
      }
      return use([n](auto m, auto x) HWY_ATTR { return m.pow(x, m.set(n.a)); });
    case Unary::relu: return use([](auto m, auto x) HWY_ATTR { return m.where_positive(x, x); });
    case Unary::leaky_relu:
      return use([n](auto m, auto x) HWY_ATTR { return m.if_greater(x, m.set(0), x, m.set(n.a) * x); });
    case Unary::elu:  // a scaled exponential below 0, and `b` times the whole (selu's scale)
      return use([n](auto m, auto x)
                     HWY_ATTR { return m.set(n.b) * m.if_greater(x, m.set(0), x, m.set(n.a) * m.expm1(x)); });
    case Unary::gelu:
      return use([](auto m, auto x)
                     HWY_ATTR { return m.set(0.5) * x * (m.set(1) + m.erf(m.set(0.70710678118654752440) * x)); });
    case Unary::gelu_tanh:
      return use([](auto m, auto x) HWY_ATTR { return m.set(0.5) * x * (m.set(1) + m.tanh(gelu_inner(m, x))); });
    case Unary::silu: return use([](auto m, auto x) HWY_ATTR { return x * m.sigmoid(x); });
    case Unary::mish: return use([](auto m, auto x) HWY_ATTR { return x * m.tanh(softplus_of(m, x)); });
    case Unary::softplus:
      return use([n](auto m, auto x) HWY_ATTR { return softplus_of(m, m.set(n.a) * x) / m.set(n.a); });
    case Unary::log_sigmoid:
      return use([](auto m, auto x) HWY_ATTR { return m.set(-1) * softplus_of(m, m.set(-1) * x); });
    case Unary::hard_sigmoid:
      return use([](auto m, auto x) HWY_ATTR { return clamp_of(m, x + m.set(3), m.set(0), m.set(6)) / m.set(6); });
    case Unary::hard_swish:
      return use([](auto m, auto x) HWY_ATTR { return x * clamp_of(m, x + m.set(3), m.set(0), m.set(6)) / m.set(6); });
    case Unary::clamp: return use([n](auto m, auto x) HWY_ATTR { return clamp_of(m, x, m.set(n.a), m.set(n.b)); });
    case Unary::floor: return use([](auto m, auto x) HWY_ATTR { return m.floor(x); });
    case Unary::ceil: return use([](auto m, auto x) HWY_ATTR { return m.ceil(x); });
    case Unary::round: return use([](auto m, auto x) HWY_ATTR { return m.round(x); });
    case Unary::trunc: return use([](auto m, auto x) HWY_ATTR { return m.trunc(x); });
  }
}

/// In a `_backward`, g is diff_dst, and the other operand what the forward kept: its source x or its result y.
template <class Use>
HWY_INLINE void with_formula(Binary f, Numbers n, const Use& use) {
  switch (f) {
    case Binary::add: return use([](auto, auto a, auto b) HWY_ATTR { return a + b; });
    case Binary::sub: return use([](auto, auto a, auto b) HWY_ATTR { return a - b; });
    case Binary::mul: return use([](auto, auto a, auto b) HWY_ATTR { return a * b; });
    case Binary::div: return use([](auto, auto a, auto b) HWY_ATTR { return a / b; });
    case Binary::mul_unless_zero:
      return use([](auto m, auto a, auto b) HWY_ATTR { return m.if_equal(b, m.set(0), m.set(0), a * b); });
    case Binary::fmod: return use([](auto m, auto a, auto b) HWY_ATTR { return m.fmod(a, b); });
    case Binary::remainder: return use([](auto m, auto a, auto b) HWY_ATTR { return remainder_of(m, a, b); });
    case Binary::atan2: return use([](auto m, auto a, auto b) HWY_ATTR { return m.atan2(a, b); });
    case Binary::hypot: return use([](auto m, auto a, auto b) HWY_ATTR { return m.hypot(a, b); });
    case Binary::logaddexp: return use([](auto m, auto a, auto b) HWY_ATTR { return logaddexp_of(m, a, b); });
    // A NaN on either side is the result: `b` when no comparison holds and b is NaN, a + b when only a is.
    case Binary::maximum:
      return use([](auto m, auto a, auto b) HWY_ATTR { return m.if_greater(a, b, a, m.if_equal(a, a, b, a)); });
    case Binary::minimum:
      return use([](auto m, auto a, auto b) HWY_ATTR { return m.if_greater(b, a, a, m.if_equal(a, a, b, a)); });
    case Binary::pow: return use([](auto m, auto a, auto b) HWY_ATTR { return m.pow(a, b); });
    case Binary::tanh_backward: return use([](auto m, auto g, auto y) HWY_ATTR { return g * (m.set(1) - y * y); });
    case Binary::sigmoid_backward: return use([](auto m, auto g, auto y) HWY_ATTR { return g * y * (m.set(1) - y); });
    case Binary::relu_backward: return use([](auto m, auto g, auto y) HWY_ATTR { return m.where_positive(y, g); });
    case Binary::sqrt_backward:
      return use([](auto m, auto g, auto y) HWY_ATTR { return m.divide_unless_zero(g, y + y); });
    case Binary::square_backward: return use([](auto, auto g, auto x) HWY_ATTR { return g * (x + x); });
    case Binary::leaky_relu_backward:
      return use([n](auto m, auto g, auto x) HWY_ATTR { return m.if_greater(x, m.set(0), g, m.set(n.a) * g); });
    case Binary::elu_backward:
      return use([n](auto m, auto g, auto x)
                     HWY_ATTR { return m.set(n.b) * m.if_greater(x, m.set(0), g, m.set(n.a) * g * m.exp(x)); });
    case Binary::gelu_backward:  // Phi(x) + x phi(x)
      return use([](auto m, auto g, auto x) HWY_ATTR {
        const auto below = m.set(0.5) * (m.set(1) + m.erf(m.set(0.70710678118654752440) * x));
        return g * (below + x * density_of(m, x));
      });
    case Binary::gelu_tanh_backward:  // with t = tanh(u): (1 + t) / 2 + x (1 - t^2) u' / 2
      return use([](auto m, auto g, auto x) HWY_ATTR {
        const auto t = m.tanh(gelu_inner(m, x));
        const auto slope = m.set(0.79788456080286535588) * (m.set(1) + m.set(3 * 0.044715) * x * x);
        return g * m.set(0.5) * (m.set(1) + t + x * (m.set(1) - t * t) * slope);
      });
    case Binary::silu_backward:
      return use([](auto m, auto g, auto x) HWY_ATTR {
        const auto s = m.sigmoid(x);
        return g * s * (m.set(1) + x * (m.set(1) - s));
      });
    case Binary::mish_backward:
      return use([](auto m, auto g, auto x) HWY_ATTR {
        const auto t = m.tanh(softplus_of(m, x));
        return g * (t + x * (m.set(1) - t * t) * m.sigmoid(x));
      });
    case Binary::softplus_backward:
      return use([n](auto m, auto g, auto x) HWY_ATTR { return g * m.sigmoid(m.set(n.a) * x); });
    case Binary::log_sigmoid_backward:
      return use([](auto m, auto g, auto x) HWY_ATTR { return g * m.sigmoid(m.set(-1) * x); });
    case Binary::hard_sigmoid_backward:
      return use([](auto m, auto g, auto x)
                     HWY_ATTR { return m.if_greater(m.set(3), m.abs(x), g / m.set(6), m.set(0)); });
    case Binary::hard_swish_backward:
      return use([](auto m, auto g, auto x) HWY_ATTR {
        const auto inside = g * (x / m.set(3) + m.set(0.5));
        return m.if_greater(m.set(3), m.abs(x), inside, m.where_positive(x, g));
      });
    case Binary::clamp_backward:  // g where a <= x <= b
      return use([n](auto m, auto g, auto x) HWY_ATTR {
        return m.if_greater(m.set(n.a), x, m.set(0), m.if_greater(x, m.set(n.b), m.set(0), g));
      });
  }
}

}  // namespace dagrad::pointwise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
