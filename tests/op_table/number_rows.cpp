// Larger, smaller and remainders of a tensor and a number, on either side.
#include "dagrad/ops/math.h"
#include "op_table/elementwise.h"

namespace dagrad::op_table {
namespace {

using WithNumber = Tensor (*)(const Tensor&, double, Location);
using OfNumber = Tensor (*)(double, const Tensor&, Location);

Function1 with(WithNumber f, double number) {
  return [f, number](const Tensor& x) { return f(x, number, Location::current()); };
}
Function1 with(OfNumber f, double number) {
  return [f, number](const Tensor& x) { return f(number, x, Location::current()); };
}
Call as_call(const Function1& f) {
  return [f](std::span<const Tensor> in) { return std::vector{f(in[0])}; };
}

Bad fraction_with_i64(const std::string& op, const Function1& with_fraction) {
  return bad<DTypeError>(
      "fraction_with_i64", [with_fraction] { with_fraction(zeros_of({2}, i64)); },
      op + ": 2.5 with a tensor of i64 (want a whole number, or a floating tensor: cast with to())");
}
Bad by_zero(const std::string& op, const Function1& f) {
  return bad<UsageError>(
      "by_zero", [f] { f(zeros_of({2}, i64)); }, op + ": i64 by 0 (want no 0 in b, or floating types)");
}

// --- maximum and minimum; the number is 1 ---

constexpr Domain kHalves{.low = -3, .high = 3, .integers = true, .shift = 0.5};  // never equal to a whole number

template <class F>
Row extremum(const char* name, const char* op, const char* formula, F f, Formula1 value, Gradient1 gradient,
             const Edge& limits, const Edge& equal) {
  Row row = unary_row({name, formula, with(f, 1), value, gradient, kHalves});
  row.covers = {op};
  row.exact_on_integers = row.takes_i64 = true;
  row.nonzero_gradients = 0.15;  // where the number is taken it is 0
  row.bad = {fraction_with_i64(op, with(f, 2.5)), not_of_bool(op, with(f, 1))};
  row.edges = {
      limits, equal, {"nan_for_a_number", {row_of({1, kInf})}, {row_of({kNan, kNan})}, {}, as_call(with(f, kNan))}};
  return row;
}

std::vector<Row> extrema() {
  const Array limits = row_of({kInf, -kInf, kNan}), near = row_of({1, 2, 0});
  const Edge largest{"infinite_and_nan", {limits}, {row_of({kInf, 1, kNan})}},
      smallest{"infinite_and_nan", {limits}, {row_of({1, -kInf, kNan})}},
      larger{"half_of_the_gradient_where_equal", {near}, {row_of({1, 2, 1})}, {row_of({0.5, 1, 0})}},
      smaller{"half_of_the_gradient_where_equal", {near}, {row_of({1, 1, 0})}, {row_of({0.5, 0, 1})}};
  const Formula1 greater = [](Rounded x) { return x.value > 1 ? x : 1; },
                 less = [](Rounded x) { return x.value < 1 ? x : 1; };
  const Gradient1 of_greater = [](Rounded x, Rounded g) { return x.value > 1 ? g : 0; },
                  of_less = [](Rounded x, Rounded g) { return x.value < 1 ? g : 0; };
  const WithNumber max = maximum, min = minimum;
  const OfNumber number_max = maximum, number_min = minimum;
  return {
      extremum("maximum_number", "maximum_number", "the larger of x and c", max, greater, of_greater, largest, larger),
      extremum("number_maximum", "maximum_number", "the larger of c and x", number_max, greater, of_greater, largest,
               larger),
      extremum("minimum_number", "minimum_number", "the smaller of x and c", min, less, of_less, smallest, smaller),
      extremum("number_minimum", "minimum_number", "the smaller of c and x", number_min, less, of_less, smallest,
               smaller)};
}

// --- remainders ---

double python_remainder(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/// x mod 3.
Row by_number(const char* name, const char* formula, WithNumber f, Formula1 value, std::vector<double> signs) {
  Row row = unary_row({name, formula, with(f, 3), value, [](Rounded, Rounded g) { return g; }, kHalves});
  row.bad = {fraction_with_i64(name, with(f, 2.5)), by_zero(name, with(f, 0))};
  row.edges = {{"signs_and_limits", {row_of({5.5, -5.5, 6, kInf, kNan})}, {row_of(std::move(signs))}},
               {"by_0", {row_of({5, 0})}, {row_of({kNan, kNan})}, {}, as_call(with(f, 0))}};
  return row;
}

/// 5.5 mod x, for x of 1 to 3: the quotient is never whole.
Row of_number(const char* name, const char* op, const char* formula, OfNumber f, Formula1 value, Gradient1 gradient,
              std::vector<double> signs, std::vector<double> gradients) {
  Row row = unary_row({name, formula, with(f, 5.5), value, gradient, {.low = 1, .high = 3, .integers = true}});
  row.covers = {op};
  row.bad = {by_zero(op, with(f, 5))};
  row.edges = {{"signs", {row_of({3, -3})}, {row_of(std::move(signs))}, {row_of(std::move(gradients))}},
               {"limits", {row_of({0, kInf, kNan})}, {row_of({kNan, 5.5, kNan})}}};
  return row;
}

std::vector<Row> remainders() {
  return {by_number("fmod_number", "x - c trunc(x / c)", fmod,
                    [](Rounded x) { return Rounded(std::fmod(x.value, 3), 0); }, {2.5, -2.5, 0, kNan, kNan}),
          by_number("remainder_number", "x - c floor(x / c)", remainder,
                    [](Rounded x) {
                      const double r = python_remainder(x.value, 3);
                      return Rounded(r, std::fabs(r));
                    },
                    {2.5, 0.5, 0, kNan, kNan}),
          of_number(
              "number_fmod", "fmod_number", "c - x trunc(c / x)", fmod,
              [](Rounded x) { return Rounded(std::fmod(5.5, x.value), 0); },
              [](Rounded x, Rounded g) { return -(g * Rounded(std::trunc(5.5 / x.value), 0)); }, {2.5, 2.5}, {-1, 1}),
          of_number(
              "number_remainder", "remainder_number", "c - x floor(c / x)", remainder,
              [](Rounded x) {
                const double r = python_remainder(5.5, x.value);
                return Rounded(r, std::fabs(r));
              },
              [](Rounded x, Rounded g) { return -(g * Rounded(std::floor(5.5 / x.value), 0)); }, {2.5, -0.5}, {-1, 2})};
}

}  // namespace

std::vector<Row> number_rows() {
  std::vector<Row> result = extrema();
  for (Row& row : remainders()) result.push_back(std::move(row));
  return result;
}

}  // namespace dagrad::op_table
