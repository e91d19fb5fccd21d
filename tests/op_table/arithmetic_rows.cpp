// What math.h has besides functions of one element: remainders, powers of a number, choices and mixtures with numbers.
#include "dagrad/core/creation.h"
#include "dagrad/ops/math.h"
#include "op_table/elementwise.h"

namespace dagrad::op_table {
namespace {

using Two = std::array<Rounded, 2>;

double python_remainder(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

// A half and a whole number, so that the quotient is never whole.
constexpr Domain kHalves{.low = -6, .high = 6, .integers = true, .shift = 0.5},
    kDivisors{.low = 1, .high = 3, .integers = true};

/// fmod or remainder; both are exact but for remainder's sum.
Row modulo_row(const char* name, const char* formula, const Function2& f, Formula2 value, Gradient2 gradient,
               std::vector<Edge> edges) {
  Row row = binary_row({name, formula, f, value, gradient, kHalves, kDivisors});
  row.bad.push_back(bad<UsageError>(
      "by_zero", [f] { f(zeros_of({2}, i64), zeros_of({2}, i64)); },
      std::string(name) + ": i64 by 0 (want no 0 in b, or floating types)"));
  row.edges = std::move(edges);
  return row;
}

/// The same for i64.
Row modulo_of_integers_row(const char* name, const char* op, const char* formula, const Function2& f,
                           double (*value)(double, double)) {
  Row row{.name = name, .formula = formula, .covers = {op}};
  row.call = [f](std::span<const Tensor> in) { return std::vector{f(in[0], in[1])}; };
  row.reference = [value](std::span<const Array> in) { return Arrays{zip(in[0], in[1], value)}; };
  row.orders = 0;
  row.result_type = [](DType) { return i64; };
  constexpr Domain whole{.low = -9, .high = 9, .integers = true};
  const auto of = [&](const Shape& a, const Shape& b, double sign) {
    const Domain divisors =
        sign > 0 ? Domain{.low = 1, .high = 4, .integers = true} : Domain{.low = -4, .high = -1, .integers = true};
    return std::vector<Input>{{a, whole, i64}, {b, divisors, i64}};
  };
  row.samples = {{"tail_67", of({67}, {67}, 1)},
                 {"negative_divisors_3x17_17", of({3, 17}, {17}, -1)},
                 {"empty", of({0}, {0}, 1)},
                 {"threads_64x1031", of({64, 1031}, {64, 1031}, -1)}};
  row.benchmarks = {{{"small", of({64}, {64}, 1)}}, {{"large", of({4 << 20}, {4 << 20}, 1)}}};
  return row;
}

std::vector<Row> remainders() {
  const Arrays operands{row_of({5.5, -5.5, 5.5, -5.5, 6, kInf, 5, 5, kNan}), row_of({3, 3, -3, -3, 3, 2, 0, kInf, 1})};
  const Arrays small{row_of({5.5, -5.5}), row_of({3, 3})};
  return {modulo_row(
              "fmod", "a - b trunc(a / b)", on(dagrad::fmod),
              [](Rounded a, Rounded b) { return Rounded(std::fmod(a.value, b.value), 0); },
              [](Rounded a, Rounded b, Rounded g) {
                return Two{g, -(g * Rounded(std::trunc(a.value / b.value), 0))};
              },
              {{"signs_and_limits", operands, {row_of({2.5, -2.5, 2.5, -2.5, 0, kNan, kNan, 5, kNan})}},
               {"gradients", small, {row_of({2.5, -2.5})}, {row_of({1, 1}), row_of({-1, 1})}}}),
          modulo_row(
              "remainder", "a - b floor(a / b)", on(dagrad::remainder),
              [](Rounded a, Rounded b) {
                const double r = python_remainder(a.value, b.value);
                return Rounded(r, std::fabs(r));
              },
              [](Rounded a, Rounded b, Rounded g) {
                return Two{g, -(g * Rounded(std::floor(a.value / b.value), 0))};
              },
              {{"signs_and_limits", operands, {row_of({2.5, 0.5, -0.5, -2.5, 0, kNan, kNan, 5, kNan})}},
               {"gradients", small, {row_of({2.5, 0.5})}, {row_of({1, 1}), row_of({-1, 2})}}}),
          modulo_of_integers_row("fmod_of_integers", "fmod", "a - b trunc(a / b)", on(dagrad::fmod),
                                 [](double a, double b) { return std::fmod(a, b); }),
          modulo_of_integers_row("remainder_of_integers", "remainder", "a - b floor(a / b)", on(dagrad::remainder),
                                 python_remainder)};
}

std::vector<Row> powers() {
  Row power = unary_row({"number_pow", "c^x", [](const Tensor& x) { return pow(2.5, x); },
                         [](Rounded x) { return pow(2.5, x); },
                         [](Rounded x, Rounded g) { return g * (pow(2.5, x) * std::log(2.5)); }});
  power.bad = {not_of_i64("number_pow", [](const Tensor& x) { return pow(2.5, x); })};
  power.edges = {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan})}, {row_of({1, kInf, 0, kNan})}},
                 {"of_0",
                  {row_of({0, 1, -1, kInf})},
                  {row_of({1, 0, kInf, 0})},
                  {row_of({0, 0, 0, 0})},
                  [](std::span<const Tensor> in) { return std::vector{pow(0.0, in[0])}; }}};
  return {power};
}

// --- choices ---

constexpr Domain kBits{.low = 0, .high = 1, .integers = true};

Row where_number_row(const char* name, const char* formula, bool number_first) {
  Row row{.name = name, .formula = formula, .covers = {"where_number"}};
  row.call = [number_first](std::span<const Tensor> in) {
    return std::vector{number_first ? where(in[0], 1.5, in[1]) : where(in[0], in[1], 1.5)};
  };
  row.reference = [number_first](std::span<const Array> in) {
    return Arrays{zip(in[0], in[1], [number_first](double c, double x) { return (c != 0) == number_first ? 1.5 : x; })};
  };
  row.samples = {{"scalars", {{{}, kBits, boolean}, {{}}}},
                 {"tail_17", {{{17}, kBits, boolean}, {{17}}}},
                 {"stretches_x_5x1_1x3", {{{5, 1}, kBits, boolean}, {{1, 3}}}},
                 {"row_7_3x7", {{{7}, kBits, boolean}, {{3, 7}}}},
                 {"empty", {{{0}, kBits, boolean}, {{0}}}},
                 {"threads_64x1031", {{{64, 1031}, kBits, boolean}, {{64, 1031}}}}};
  row.gradient_terms = gradients_at_absolute_values;
  row.samples[2].gradient_roundings = 5;  // sums of up to 5
  row.edges = {{"gets_no_gradient_where_it_is_not_taken",
                {row_of({kNan, kNan})},
                {number_first ? row_of({kNan, 1.5}) : row_of({1.5, kNan})},
                {number_first ? row_of({1, 0}) : row_of({0, 1})},
                [number_first](std::span<const Tensor> in) {
                  const Tensor condition = tensor({0, 1}, boolean);
                  return std::vector{number_first ? where(condition, 1.5, in[0]) : where(condition, in[0], 1.5)};
                },
                false}};
  row.bad = {bad<DTypeError>(
                 "condition", [] { where(zeros_of({2}), zeros_of({2}), 1); }, "where: f32 (want bool)"),
             bad<DTypeError>(
                 "fraction_with_i64", [] { where(zeros_of({2}, boolean), zeros_of({2}, i64), 0.5); },
                 "where: 0.5 with a tensor of i64 (want a whole number, or a floating tensor: cast with to())"),
             bad<DTypeError>(
                 "infinity_with_i64", [] { where(zeros_of({2}, boolean), kInf, zeros_of({2}, i64)); },
                 "where: inf with a tensor of i64 (want a whole number, or a floating tensor: cast with to())")};
  row.benchmarks = {{{"medium", {{{16 << 10}, kBits, boolean}, {{16 << 10}}}}, 16 << 10},
                    {{"large", {{{4 << 20}, kBits, boolean}, {{4 << 20}}}}, 4 << 20}};
  return row;
}

// --- mixtures ---

/// A function of three tensors of one shape, or two of them and one that broadcasts.
Row of_three(Row row, const std::function<double(double, double, double)>& value) {
  row.reference = [value](std::span<const Array> in) {
    Array result(broadcast(broadcast(in[0].shape, in[1].shape), in[2].shape));
    std::int64_t i = 0;
    for (const Index& at : indices(result.shape)) {
      const auto of = [&](std::size_t k) { return in[k][flat(in[k].shape, at)]; };
      result[i++] = value(of(0), of(1), of(2));
    }
    return Arrays{result};
  };
  const auto add = [&](const char* name, const Shape& a, const Shape& b, const Shape& c) {
    const auto domain = [&](std::size_t k) { return row.samples[0].inputs[k].domain; };
    Sample sample{name, {{a, domain(0)}, {b, domain(1)}, {c, domain(2)}}};
    sample.gradient_roundings = row.gradient_roundings + broadcast_terms(sample.inputs) - 1;
    row.samples.push_back(sample);
  };
  add("scalars", {}, {}, {});
  add("3x7", {3, 7}, {3, 7}, {3, 7});
  add("broadcast_3x1_7_3x7", {3, 1}, {7}, {3, 7});
  add("empty", {0}, {0}, {0});
  add("primitive_64x1031", {64, 1031}, {64, 1031}, {64, 1031});
  row.benchmarks = elementwise_benchmarks(
      {row.samples[0].inputs[0].domain, row.samples[0].inputs[1].domain, row.samples[0].inputs[2].domain});
  return row;
}

std::vector<Row> mixtures() {
  Row quotient{.name = "addcdiv",
               .formula = "x + value a / b",
               .primitive = "binary_div",
               .covers = {"add", "div", "mul_number"}};
  quotient.call = [](std::span<const Tensor> in) { return std::vector{addcdiv(in[0], in[1], in[2], 0.5)}; };
  quotient.samples = {{"tail_17", {{{17}}, {{17}}, {{17}, kPositive}}}};
  quotient.terms = at_absolute_values;
  quotient.gradient_terms = gradients_at_absolute_values;
  quotient.roundings = 3;
  quotient.bf16_roundings = 2;  // the results of div and mul
  quotient.gradient_roundings = 4;
  quotient.edges = {
      {"by_zero", {row_of({1, 1, 1}), row_of({1, -1, 0}), row_of({0, 0, 0})}, {row_of({kInf, -kInf, kNan})}}};
  Row mixed{
      .name = "lerp_tensor", .formula = "a + w (b - a)", .primitive = "binary_add", .covers = {"add", "sub", "mul"}};
  mixed.call = [](std::span<const Tensor> in) { return std::vector{lerp(in[0], in[1], in[2])}; };
  mixed.samples = {{"tail_17", {{{17}}, {{17}}, {{17}}}}};
  // What cancels in b - a counts with the sum of both.
  mixed.terms = [](const Sample&, std::span<const Array> in) {
    const Arrays of = absolute(in);
    Array result(broadcast(broadcast(of[0].shape, of[1].shape), of[2].shape));
    std::int64_t i = 0;
    for (const Index& at : indices(result.shape)) {
      const auto value = [&](std::size_t k) { return of[k][flat(of[k].shape, at)]; };
      result[i++] = value(0) + value(2) * (value(0) + value(1));
    }
    return Arrays{result};
  };
  mixed.gradient_terms = [](const Sample&, std::span<const Array> in, std::span<const Array> diff) {
    const Arrays of = absolute(in);
    Arrays result{Array(of[0].shape), Array(of[1].shape), Array(of[2].shape)};
    std::int64_t i = 0;
    for (const Index& at : indices(diff[0].shape)) {
      const auto value = [&](std::size_t k) { return of[k][flat(of[k].shape, at)]; };
      const double g = std::fabs(diff[0][i++]);
      result[0][flat(of[0].shape, at)] += g * (1 + value(2));
      result[1][flat(of[1].shape, at)] += g * value(2);
      result[2][flat(of[2].shape, at)] += g * (value(0) + value(1));
    }
    return result;
  };
  mixed.roundings = 3;
  mixed.bf16_roundings = 2;  // the results of sub and mul
  mixed.gradient_roundings = 3;
  mixed.edges = {{"the_ends", {row_of({2, 2}), row_of({6, 6}), row_of({0, 1})}, {row_of({2, 6})}}};
  return {of_three(quotient, [](double x, double a, double b) { return x + 0.5 * a / b; }),
          of_three(mixed, [](double a, double b, double w) { return a + w * (b - a); })};
}

}  // namespace

std::vector<Row> arithmetic_rows() {
  std::vector<Row> result{where_number_row("where_number", "condition ? a : number", false),
                          where_number_row("where_number_first", "condition ? number : b", true)};
  for (const auto& family : {remainders, powers, mixtures}) {
    for (Row& row : family()) result.push_back(std::move(row));
  }
  return result;
}

}  // namespace dagrad::op_table
