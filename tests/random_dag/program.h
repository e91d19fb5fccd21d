// A program of ops on tensors as data, which can be run by dagrad, evaluated by plain loops, printed and shortened.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "dagrad/core/tensor.h"
#include "random_dag/dual.h"

namespace dagrad::random_dag {

// What the reference evaluates on: values; derivatives, first and second; and the magnitudes of both.
using First = Dual<double>;
using Second = Dual<First>;
using FirstMagnitude = Dual<double, true>;
using SecondMagnitude = Dual<FirstMagnitude, true>;

/// A function of numbers, given as a lambda `[]<class T>(std::span<const T> x) -> T`.
class Formula {
 public:
  Formula() = default;
  template <class F>
  Formula(F f) : of_(f, f, f, f, f) {}  // NOLINT(google-explicit-constructor): a lambda is one

  explicit operator bool() const { return std::get<0>(of_) != nullptr; }
  template <class T>
  T operator()(std::span<const T> x) const {
    return std::get<Of<T>>(of_)(x);
  }

 private:
  template <class T>
  using Of = T (*)(std::span<const T>);
  std::tuple<Of<double>, Of<First>, Of<Second>, Of<FirstMagnitude>, Of<SecondMagnitude>> of_;
};

/// Whether a formula is smooth around x; without kinks, poles and the like in reach.
using Regular = bool (*)(std::span<const double> x);

/// An element of an operand.
struct Place {
  int operand = 0;
  std::int64_t at = 0;
};

/// A part of an element of a result: a, or a b, times a factor.
struct Term {
  std::int64_t to = 0;
  Place a;
  Place b = {.operand = -1};  // none
  double factor = 1;
};

/// What the elements of a result are: sums of terms, or a formula of some elements.
struct Meaning {
  std::vector<Term> sum = {};
  Formula formula = {};
  Regular regular = nullptr;                       // everywhere
  std::vector<std::vector<Place>> arguments = {};  // of the formula, for each element of the result
};

struct Kind;

/// One line of a program: a leaf with values, or a call on results of earlier lines.
struct Statement {
  Shape shape;
  std::string text = {};  // the call, with #0, #1, ... for its operands
  std::function<Tensor(std::span<const Tensor>)> run = {};
  Meaning meaning = {};
  int conditions = 0;  // so many of the first operands pass no gradient on

  std::vector<int> operands = {};
  const Kind* kind = nullptr;  // null: a leaf
  std::uint64_t seed = 0;      // of the attributes that the kind chose

  std::vector<double> values = {};  // of a leaf
  bool requires_grad = false;

  bool leaf() const { return kind == nullptr; }
};

struct Output {
  int statement = 0;
  std::vector<double> weights;  // its cotangent
};

/// How derivatives are asked for.
enum class Request : std::uint8_t {
  grad,            // by grad()
  backward,        // by backward(), into the leaves
  backward_twice,  // on the same graph: gradients add up
  grad_of_grad,    // the gradients of (gradients . direction)
};

struct Program {
  std::vector<Statement> statements;
  std::vector<Output> outputs;
  Request request = Request::grad;
  std::vector<std::vector<double>> direction;  // for each statement; empty but for leaves in grad_of_grad
  std::vector<int> inputs;                     // of the gradients: leaves; in grad and backward any statement

  /// Whether each statement depends on a leaf that requires a gradient.
  std::vector<bool> differentiable() const;
  /// As lines of C++.
  std::string str() const;
};

std::int64_t count_of(const Shape& shape);

}  // namespace dagrad::random_dag
