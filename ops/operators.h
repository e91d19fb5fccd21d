// +, -, *, / on tensors and numbers.
#pragma once

#include "dagrad/ops/elementwise.h"

namespace dagrad {

/// An operand that knows the line it stands on (operators take no extra arguments).
struct Operand {
  const Tensor& tensor;
  Location where;
  // NOLINTNEXTLINE(google-explicit-constructor): the conversion is the point
  Operand(const Tensor& t, Location at = Location::current()) : tensor(t), where(at) {}
};

inline Tensor operator+(Operand a, const Tensor& b) { return add(a.tensor, b, a.where); }
inline Tensor operator-(Operand a, const Tensor& b) { return sub(a.tensor, b, a.where); }
inline Tensor operator*(Operand a, const Tensor& b) { return mul(a.tensor, b, a.where); }
inline Tensor operator/(Operand a, const Tensor& b) { return div(a.tensor, b, a.where); }
inline Tensor operator+(Operand a, double b) { return add(a.tensor, b, a.where); }
inline Tensor operator-(Operand a, double b) { return sub(a.tensor, b, a.where); }
inline Tensor operator*(Operand a, double b) { return mul(a.tensor, b, a.where); }
inline Tensor operator/(Operand a, double b) { return div(a.tensor, b, a.where); }
inline Tensor operator+(double a, Operand b) { return add(b.tensor, a, b.where); }
inline Tensor operator-(double a, Operand b) { return sub(a, b.tensor, b.where); }
inline Tensor operator*(double a, Operand b) { return mul(b.tensor, a, b.where); }
inline Tensor operator/(double a, Operand b) { return div(a, b.tensor, b.where); }
inline Tensor operator-(Operand a) { return neg(a.tensor, a.where); }

}  // namespace dagrad
