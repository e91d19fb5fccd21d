#include "dagrad/ops/ops.h"
#include "random_dag/kind.h"

namespace dagrad::random_dag {
namespace {

using In = std::span<const Tensor>;
template <class T>
using X = std::span<const T>;

bool apart(X<double> x) { return std::fabs(x[0] - x[1]) > 0.01; }
bool large_divisor(X<double> x) { return std::fabs(x[1]) > 0.2; }
bool positive_base(X<double> x) { return x[0] > 0.2 && std::fabs(x[1]) < 3; }

std::vector<Elementwise> arithmetic() {
  return {
      {"#0 + #1", [](In t) { return t[0] + t[1]; }, []<class T>(X<T> x) -> T { return x[0] + x[1]; }},
      {"#0 - #1", [](In t) { return t[0] - t[1]; }, []<class T>(X<T> x) -> T { return x[0] - x[1]; }},
      {"#0 * #1", [](In t) { return t[0] * t[1]; }, []<class T>(X<T> x) -> T { return x[0] * x[1]; }},
      {"#0 / #1", [](In t) { return t[0] / t[1]; }, []<class T>(X<T> x) -> T { return x[0] / x[1]; }, large_divisor},
      {"pow(#0, #1)", [](In t) { return pow(t[0], t[1]); }, []<class T>(X<T> x) -> T { return exp(x[1] * log(x[0])); },
       positive_base},
      {"maximum(#0, #1)", [](In t) { return maximum(t[0], t[1]); },
       []<class T>(X<T> x) -> T { return x[0] > x[1] ? x[0] : x[1]; }, apart},
      {"minimum(#0, #1)", [](In t) { return minimum(t[0], t[1]); },
       []<class T>(X<T> x) -> T { return x[0] < x[1] ? x[0] : x[1]; }, apart},
      {"lerp(#0, #1, 0.25)", [](In t) { return lerp(t[0], t[1], 0.25); },
       []<class T>(X<T> x) -> T { return x[0] + (x[1] - x[0]) * T(0.25); }},
  };
}

std::vector<Elementwise> of_three_and_four() {
  return {
      {"addcmul(#0, #1, #2, 0.5)", [](In t) { return addcmul(t[0], t[1], t[2], 0.5); },
       []<class T>(X<T> x) -> T { return x[0] + x[1] * x[2] * T(0.5); }, nullptr, 3},
      {"masked_fill(#2, lt(#0, #1), 0.5)", [](In t) { return masked_fill(t[2], lt(t[0], t[1]), 0.5); },
       []<class T>(X<T> x) -> T { return x[0] < x[1] ? T(0.5) : x[2]; }, apart, 3, 2},
      {"where(gt(#0, #1), #2, #3)", [](In t) { return where(gt(t[0], t[1]), t[2], t[3]); },
       []<class T>(X<T> x) -> T { return x[0] > x[1] ? x[2] : x[3]; }, apart, 4, 2},
  };
}

/// Losses without a reduction, whose inputs have to have one shape.
std::vector<Elementwise> losses() {
  constexpr auto none = Reduction::none;
  return {
      {"mse_loss(#0, #1, {.reduction = Reduction::none})",
       [](In t) { return mse_loss(t[0], t[1], {.reduction = none}); },
       []<class T>(X<T> x) -> T { return (x[0] - x[1]) * (x[0] - x[1]); }},
      {"l1_loss(#0, #1, {.reduction = Reduction::none})", [](In t) { return l1_loss(t[0], t[1], {.reduction = none}); },
       []<class T>(X<T> x) -> T { return fabs(x[0] - x[1]); }, apart},
  };
}

}  // namespace

std::vector<Kind> binary_kinds() {
  std::vector<Kind> result;
  for (Elementwise op : arithmetic()) {
    op.operands = 2;
    result.push_back(kind_of(op));
  }
  for (const Elementwise& op : of_three_and_four()) result.push_back(kind_of(op));
  for (Elementwise op : losses()) {
    op.operands = 2;
    Kind& kind = result.emplace_back(kind_of(op));
    kind.make = [make = kind.make](std::span<const Shape> shapes, Random& random) -> std::optional<Statement> {
      if (shapes[0] != shapes[1]) return std::nullopt;
      return make(shapes, random);
    };
  }
  return result;
}

}  // namespace dagrad::random_dag
