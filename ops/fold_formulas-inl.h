// The formulas of reductions, for SIMD vectors and for plain numbers, each written once. Internal.
// Included once per SIMD target, so it has no ordinary include guard.

#if defined(DAGRAD_OPS_FOLD_FORMULAS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DAGRAD_OPS_FOLD_FORMULAS_INL_H
#undef DAGRAD_OPS_FOLD_FORMULAS_INL_H
#else
#define DAGRAD_OPS_FOLD_FORMULAS_INL_H
#endif

#include <cmath>
#include <hwy/highway.h>
#include <limits>

#include "dagrad/ops/fold_kernels.h"
#include "dagrad/ops/pointwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::fold::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The functions that formulas are made of, on vectors of f32 (with all of VectorMath) and of f64.
template <class D>
struct Math : pointwise::HWY_NAMESPACE::VectorMath<D> {};
template <class D>
requires(sizeof(hn::TFromD<D>) == 8) struct Math<D> {
  D d;
  using V = hn::Vec<D>;
  HWY_INLINE V set(double x) const { return hn::Set(d, x); }
  HWY_INLINE V abs(V x) const { return hn::Abs(x); }
  HWY_INLINE V pow(V x, V y) const {
    HWY_ALIGN double base[hn::MaxLanes(D())], exponent[hn::MaxLanes(D())];
    hn::Store(x, d, base);
    hn::Store(y, d, exponent);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) base[i] = std::pow(base[i], exponent[i]);
    return hn::Load(d, base);
  }
};

/// The same on one number.
template <class T>
struct Scalar {
  static T set(double x) { return static_cast<T>(x); }
  static T abs(T x) { return std::abs(x); }
  static T exp(T x) { return std::exp(x); }
  static T pow(T x, T y) { return std::pow(x, y); }
  static T if_greater(T x, T y, T yes, T no) { return x > y ? yes : no; }
  static T if_equal(T x, T y, T yes, T no) { return x == y ? yes : no; }
};

/// What formulas have that add up.
template <class T, bool kHasCentre = false>
struct Adding {
  using Type = T;  // what f32 is folded in
  static constexpr bool kCentred = kHasCentre;
  static constexpr double kStart = 0;
  template <class M, class V>
  static HWY_INLINE V fold(M, V a, V b) {
    return a + b;
  }
};

template <class T>
struct Sum : Adding<T> {
  template <class M, class V>
  static HWY_INLINE V map(M, V x, V) {
    return x;
  }
};
struct SumOfAbsolutes : Adding<float> {
  template <class M, class V>
  static HWY_INLINE V map(M m, V x, V) {
    return m.abs(x);
  }
};
struct SumOfExponentials : Adding<float, true> {
  template <class M, class V>
  static HWY_INLINE V map(M m, V x, V c) {
    return m.exp(x - c);
  }
};
struct SumOfPowers : Adding<double, true> {
  template <class M, class V>
  static HWY_INLINE V map(M m, V x, V c) {
    return m.pow(m.abs(x), c);
  }
};
struct CountOfNonzeros : Adding<float> {
  template <class M, class V>
  static HWY_INLINE V map(M m, V x, V) {
    return m.if_equal(x, m.set(0), m.set(0), m.set(1));
  }
};
struct CountOfEquals : Adding<float, true> {
  template <class M, class V>
  static HWY_INLINE V map(M m, V x, V c) {
    return m.if_equal(x, c, m.set(1), m.set(0));
  }
};
struct SumOfSquares : Adding<double> {
  template <class M, class V>
  static HWY_INLINE V map(M, V x, V) {
    return x * x;
  }
};
struct SumOfDistances : Adding<double, true> {
  template <class M, class V>
  static HWY_INLINE V map(M, V x, V c) {
    return x - c;
  }
};
struct SumOfSquaredDistances : Adding<double, true> {
  template <class M, class V>
  static HWY_INLINE V map(M, V x, V c) {
    const V distance = x - c;
    return distance * distance;
  }
};
struct Product {
  using Type = double;
  static constexpr bool kCentred = false;
  static constexpr double kStart = 1;
  template <class M, class V>
  static HWY_INLINE V map(M, V x, V) {
    return x;
  }
  template <class M, class V>
  static HWY_INLINE V fold(M, V a, V b) {
    return a * b;
  }
};

struct Extremum {
  using Type = float;
  static constexpr bool kCentred = false;
  template <class M, class V>
  static HWY_INLINE V map(M, V x, V) {
    return x;
  }
};
/// A NaN that was taken stays, and one that comes is taken.
struct Largest : Extremum {
  static constexpr double kStart = -std::numeric_limits<double>::infinity();
  template <class M, class V>
  static HWY_INLINE V fold(M m, V a, V b) {
    return m.if_greater(b, a, b, m.if_equal(b, b, a, b));
  }
};
struct Smallest : Extremum {
  static constexpr double kStart = std::numeric_limits<double>::infinity();
  template <class M, class V>
  static HWY_INLINE V fold(M m, V a, V b) {
    return m.if_greater(a, b, b, m.if_equal(b, b, a, b));
  }
};
template <class Of>
struct OfAbsolutes : Of {
  template <class M, class V>
  static HWY_INLINE V map(M m, V x, V) {
    return m.abs(x);
  }
};

/// Calls `use` with the formula of `kind`.
template <class Use>
HWY_INLINE void with_formula(Kind kind, const Use& use) {
  switch (kind) {
    case Kind::sum: return use(Sum<float>());
    case Kind::sum_of_absolutes: return use(SumOfAbsolutes());
    case Kind::sum_of_exponentials: return use(SumOfExponentials());
    case Kind::sum_of_powers: return use(SumOfPowers());
    case Kind::count_of_nonzeros: return use(CountOfNonzeros());
    case Kind::count_of_equals: return use(CountOfEquals());
    case Kind::largest: return use(Largest());
    case Kind::smallest: return use(Smallest());
    case Kind::largest_absolute: return use(OfAbsolutes<Largest>());
    case Kind::smallest_absolute: return use(OfAbsolutes<Smallest>());
    case Kind::product: return use(Product());
    case Kind::exact_sum: return use(Sum<double>());
    case Kind::sum_of_distances: return use(SumOfDistances());
    case Kind::sum_of_squares: return use(SumOfSquares());
    case Kind::sum_of_squared_distances: return use(SumOfSquaredDistances());
  }
}

}  // namespace dagrad::fold::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
