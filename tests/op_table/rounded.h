// Numbers that carry a bound on their rounding error, from which the bounds of elementwise ops follow.
#pragma once

#include <cmath>

namespace dagrad::op_table {

/// A value and how far a computation in a type of unit roundoff u may have gone from it, in units of u: running error
/// analysis to first order (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3). A formula
/// written on Rounded is at once an op's reference (`value`, in f64) and the derivation of its bound (`error`).
struct Rounded {
  double value = 0;
  double error = 0;

  Rounded() = default;
  /// A constant, which costs a rounding unless f32 holds it.
  Rounded(double constant)  // NOLINT(google-explicit-constructor): so that formulas read as such
      : value(constant),
        error(static_cast<double>(static_cast<float>(constant)) == constant || std::isnan(constant)
                  ? 0
                  : std::fabs(constant)) {}
  Rounded(double v, double e) : value(v), error(e) {}
};

inline Rounded operator-(Rounded x) { return {-x.value, x.error}; }
inline Rounded operator+(Rounded a, Rounded b) {
  const double sum = a.value + b.value;
  return {sum, a.error + b.error + std::fabs(sum)};
}
inline Rounded operator-(Rounded a, Rounded b) { return a + -b; }
inline Rounded operator*(Rounded a, Rounded b) {
  const double product = a.value * b.value;
  return {product, std::fabs(a.value) * b.error + std::fabs(b.value) * a.error + std::fabs(product)};
}
inline Rounded operator/(Rounded a, Rounded b) {
  const double quotient = a.value / b.value;
  return {quotient, (a.error + std::fabs(quotient) * b.error) / std::fabs(b.value) + std::fabs(quotient)};
}

/// A kernel's value whose derivative at x is `slope` and which is good to so many units in the last place: an ulp is up
/// to 2 u of the value.
inline Rounded kernel(Rounded x, double value, double slope, double units) {
  return {value, std::fabs(slope) * x.error + 2 * units * std::fabs(value)};
}

// The units are those that Highway's math-inl.h states; for pow, which runs on the C library, glibc's; for erf those
// that its kernel states.
inline Rounded exp(Rounded x) { return kernel(x, std::exp(x.value), std::exp(x.value), 1); }
inline Rounded expm1(Rounded x) { return kernel(x, std::expm1(x.value), std::exp(x.value), 4); }
inline Rounded log(Rounded x) { return kernel(x, std::log(x.value), 1 / x.value, 4); }
inline Rounded log1p(Rounded x) { return kernel(x, std::log1p(x.value), 1 / (1 + x.value), 2); }
inline Rounded log2(Rounded x) { return kernel(x, std::log2(x.value), 1.4427 / x.value, 2); }
inline Rounded tanh(Rounded x) {
  return kernel(x, std::tanh(x.value), 1 / (std::cosh(x.value) * std::cosh(x.value)), 4);
}
inline Rounded sin(Rounded x) { return kernel(x, std::sin(x.value), std::cos(x.value), 3); }
inline Rounded cos(Rounded x) { return kernel(x, std::cos(x.value), std::sin(x.value), 3); }
inline Rounded erf(Rounded x) { return kernel(x, std::erf(x.value), 1.1284 * std::exp(-x.value * x.value), 1.3); }
inline Rounded pow(Rounded x, Rounded y) {
  const double value = std::pow(x.value, y.value);
  const Rounded of_x = kernel(x, value, y.value * value / x.value, 1);
  return {value, of_x.error + (y.error > 0 ? std::fabs(value * std::log(x.value)) * y.error : 0)};
}
/// Correctly rounded.
inline Rounded sqrt(Rounded x) { return kernel(x, std::sqrt(x.value), 0.5 / std::sqrt(x.value), 0.5); }
inline Rounded square(Rounded x) { return x * x; }
inline Rounded abs(Rounded x) { return {std::fabs(x.value), x.error}; }

}  // namespace dagrad::op_table
