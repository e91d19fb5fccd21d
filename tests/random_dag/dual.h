// Numbers that know their derivative in one direction: the forward mode, by which random graphs are differentiated a
// second time.
#pragma once

#include <cmath>
#include <numbers>

namespace dagrad::random_dag {

using std::cos, std::erf, std::exp, std::expm1, std::fabs, std::log, std::log1p, std::sin, std::sqrt, std::tanh;

/// x without its derivatives.
inline double value_of(double x) { return x; }
/// The sum of the absolute values that |x| is at most.
inline double magnitude(double x) { return std::fabs(x); }

/// A value and its derivative. Nested, Dual<Dual<double>> has the second one in slope.slope. With kMagnitudes the slope
/// is the sum of the absolute values of what is added up to make the derivative: what its rounding error is measured
/// by.
template <class T, bool kMagnitudes = false>
struct Dual {
  T value{};
  T slope{};

  Dual() = default;
  Dual(double constant) : value(constant) {}  // NOLINT(google-explicit-constructor): numbers are constants
  Dual(T at, T direction) : value(at), slope(direction) {}

  /// f(x), whose derivative at x is `derivative`.
  static Dual chain(T value, T derivative, const Dual& x) { return {value, weigh(derivative) * x.slope}; }
  static Dual chain(T value, T by_a, const Dual& a, T by_b, const Dual& b) {
    return {value, weigh(by_a) * a.slope + weigh(by_b) * b.slope};
  }

  friend Dual operator+(const Dual& a, const Dual& b) { return chain(a.value + b.value, T(1.0), a, T(1.0), b); }
  friend Dual operator-(const Dual& a, const Dual& b) { return chain(a.value - b.value, T(1.0), a, T(-1.0), b); }
  friend Dual operator*(const Dual& a, const Dual& b) { return chain(a.value * b.value, b.value, a, a.value, b); }
  friend Dual operator/(const Dual& a, const Dual& b) {
    const T quotient = a.value / b.value;
    return chain(quotient, T(1.0) / b.value, a, T(0.0) - quotient / b.value, b);
  }
  friend Dual operator-(const Dual& a) { return chain(T(0.0) - a.value, T(-1.0), a); }
  friend bool operator<(const Dual& a, const Dual& b) { return a.value < b.value; }
  friend bool operator>(const Dual& a, const Dual& b) { return b < a; }

 private:
  static T weigh(const T& derivative) {
    if constexpr (kMagnitudes)
      return magnitude(derivative);
    else
      return derivative;
  }
};

template <class T, bool k>
double value_of(const Dual<T, k>& x) {
  return value_of(x.value);
}

template <class T>
Dual<T, true> magnitude(const Dual<T, true>& x) {
  return {magnitude(x.value), x.slope};
}

template <class T, bool k>
Dual<T, k> exp(const Dual<T, k>& x) {
  return Dual<T, k>::chain(exp(x.value), exp(x.value), x);
}
template <class T, bool k>
Dual<T, k> expm1(const Dual<T, k>& x) {
  return Dual<T, k>::chain(expm1(x.value), exp(x.value), x);
}
template <class T, bool k>
Dual<T, k> log(const Dual<T, k>& x) {
  return Dual<T, k>::chain(log(x.value), T(1.0) / x.value, x);
}
template <class T, bool k>
Dual<T, k> log1p(const Dual<T, k>& x) {
  return Dual<T, k>::chain(log1p(x.value), T(1.0) / (T(1.0) + x.value), x);
}
template <class T, bool k>
Dual<T, k> sqrt(const Dual<T, k>& x) {
  return Dual<T, k>::chain(sqrt(x.value), T(0.5) / sqrt(x.value), x);
}
template <class T, bool k>
Dual<T, k> sin(const Dual<T, k>& x) {
  return Dual<T, k>::chain(sin(x.value), cos(x.value), x);
}
template <class T, bool k>
Dual<T, k> cos(const Dual<T, k>& x) {
  return Dual<T, k>::chain(cos(x.value), T(0.0) - sin(x.value), x);
}
template <class T, bool k>
Dual<T, k> tanh(const Dual<T, k>& x) {
  const T y = tanh(x.value);
  return Dual<T, k>::chain(y, T(1.0) - y * y, x);
}
template <class T, bool k>
Dual<T, k> erf(const Dual<T, k>& x) {
  return Dual<T, k>::chain(erf(x.value), T(2 * std::numbers::inv_sqrtpi) * exp(T(0.0) - x.value * x.value), x);
}
template <class T, bool k>
Dual<T, k> fabs(const Dual<T, k>& x) {
  return x < Dual<T, k>(0.0) ? -x : x;
}

}  // namespace dagrad::random_dag
