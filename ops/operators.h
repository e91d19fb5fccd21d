// +, -, *, / and comparisons on tensors and numbers; +=, -=, *=, /=; &, |, ^, ~ on masks.
#pragma once

#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/mask.h"

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

// --- comparisons ---

inline Mask operator==(Operand a, Operand b) { return Mask(eq(a.tensor, b.tensor, a.where)); }
inline Mask operator!=(Operand a, Operand b) { return Mask(ne(a.tensor, b.tensor, a.where)); }
inline Mask operator<(Operand a, Operand b) { return Mask(lt(a.tensor, b.tensor, a.where)); }
inline Mask operator<=(Operand a, Operand b) { return Mask(le(a.tensor, b.tensor, a.where)); }
inline Mask operator>(Operand a, Operand b) { return Mask(gt(a.tensor, b.tensor, a.where)); }
inline Mask operator>=(Operand a, Operand b) { return Mask(ge(a.tensor, b.tensor, a.where)); }
inline Mask operator==(Operand a, double b) { return Mask(eq(a.tensor, b, a.where)); }
inline Mask operator!=(Operand a, double b) { return Mask(ne(a.tensor, b, a.where)); }
inline Mask operator<(Operand a, double b) { return Mask(lt(a.tensor, b, a.where)); }
inline Mask operator<=(Operand a, double b) { return Mask(le(a.tensor, b, a.where)); }
inline Mask operator>(Operand a, double b) { return Mask(gt(a.tensor, b, a.where)); }
inline Mask operator>=(Operand a, double b) { return Mask(ge(a.tensor, b, a.where)); }
inline Mask operator==(double a, Operand b) { return Mask(eq(a, b.tensor, b.where)); }
inline Mask operator!=(double a, Operand b) { return Mask(ne(a, b.tensor, b.where)); }
inline Mask operator<(double a, Operand b) { return Mask(lt(a, b.tensor, b.where)); }
inline Mask operator<=(double a, Operand b) { return Mask(le(a, b.tensor, b.where)); }
inline Mask operator>(double a, Operand b) { return Mask(gt(a, b.tensor, b.where)); }
inline Mask operator>=(double a, Operand b) { return Mask(ge(a, b.tensor, b.where)); }

/// And, or, exclusive or, and not of boolean tensors, element by element: `(x > 0) & (x < 1)`. Throw DTypeError for
/// other types. (There is no && or ||: they would stop at one element.)
Mask operator&(Operand a, Operand b);
Mask operator|(Operand a, Operand b);
Mask operator^(Operand a, Operand b);
Mask operator~(Operand a);

// --- changing a tensor ---

/// What an assignment changes, and the line it stands on.
struct Target {
  Tensor& tensor;
  Location where;
  bool is_temporary = false;
  // NOLINTBEGIN(google-explicit-constructor): as for Operand
  Target(Tensor& t, Location at = Location::current()) : tensor(t), where(at) {}
  Target(Tensor&& t, Location at = Location::current()) : tensor(t), where(at), is_temporary(true) {}
  // NOLINTEND(google-explicit-constructor)
};

/// `a += b` as in PyTorch where nothing is recorded: the elements change in place, for every handle and view of them;
/// `parameter -= rate * gradient` under NoGrad, or `select(x, 0, 1) *= 2` (a row of x).
///
/// Where a gradient flows, a becomes a + b, a new tensor, and other handles and views of the old one keep it: nothing
/// that a backward needs is overwritten (`total += loss`). A leaf that requires a gradient cannot be changed so, as in
/// PyTorch, nor can a view that nobody holds. Throws UsageError for these, ShapeError when a's shape would change.
Tensor& operator+=(Target a, const Tensor& b);
Tensor& operator-=(Target a, const Tensor& b);
Tensor& operator*=(Target a, const Tensor& b);
Tensor& operator/=(Target a, const Tensor& b);
Tensor& operator+=(Target a, double b);
Tensor& operator-=(Target a, double b);
Tensor& operator*=(Target a, double b);
Tensor& operator/=(Target a, double b);

}  // namespace dagrad
