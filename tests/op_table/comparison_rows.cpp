#include <cmath>
#include <limits>

#include "dagrad/ops/comparison.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

constexpr Domain kFew{.low = -1, .high = 1, .integers = true};  // so that many are equal

using Compare = Tensor (*)(const Tensor&, const Tensor&, Location);
using CompareNumber = Tensor (*)(const Tensor&, double, Location);
using Test = bool (*)(double, double);

std::vector<Sample> samples() {
  std::vector<Sample> result;
  const auto add = [&](const char* name, const Shape& a, const Shape& b) {
    result.push_back({name, {{a, kFew}, {b, kFew}}});
  };
  add("scalars", {}, {});
  add("one", {1}, {1});
  add("empty", {0}, {0});
  add("empty_broadcast", {0, 3}, {1, 3});
  add("tail_67", {67}, {67});
  add("row_3x33_33", {3, 33}, {33});
  add("column_5x1_1x7", {5, 1}, {1, 7});
  add("middle_2x3x4_3x1", {2, 3, 4}, {3, 1});
  add("threads_64x1031", {64, 1031}, {64, 1031});
  return result;
}

Row base(std::string name, std::string formula) {
  Row row{.name = std::move(name), .formula = std::move(formula)};
  row.orders = 0;
  row.elementwise = row.exact_on_integers = row.takes_i64 = true;
  row.result_type = [](DType) { return boolean; };
  return row;
}

std::vector<Benchmark> benchmarks(std::size_t inputs) {
  std::vector<Benchmark> result;
  for (const auto& [name, count] : {std::pair{"small", 64}, {"medium", 16 << 10}, {"large", 4 << 20}}) {
    result.push_back({{name, std::vector<Input>(inputs, Input{{count}, kFew})}, static_cast<double>(count)});
  }
  return result;
}

/// NaN against anything, and against itself: true for ne alone.
Row two_tensors(const std::string& name, const std::string& sign, Compare f, Test test) {
  Row row = base(name, "a " + sign + " b");
  row.call = call2(f);
  row.reference = [test](std::span<const Array> in) { return Arrays{zip(in[0], in[1], test)}; };
  row.samples = samples();
  row.benchmarks = benchmarks(2);
  row.bad = {bad<ShapeError>(
                 "shapes",
                 [f] {
                   f(zeros_of({2, 3}), zeros_of({2, 4}), Location::current());
                 },
                 name + ": shapes do not broadcast: [2, 3] and [2, 4] (want equal sizes or 1 at axis -1: got 3 and 4)"),
             bad<DTypeError>(
                 "types", [f] { f(zeros_of({2}), zeros_of({2}, f64), Location::current()); },
                 name + ": element types differ: f32 and f64 (want one type; cast with to())")};
  const Array a({6}, {kNan, kNan, 1.0, kInf, -kInf, 0.0}), b({6}, {kNan, 1.0, kNan, kInf, kInf, -0.0});
  Array want({6});
  for (std::int64_t i = 0; i < 6; ++i) want[i] = i < 3 ? (name == "ne" ? 1 : 0) : (test(a[i], b[i]) ? 1 : 0);
  row.edges = {{"infinite_and_nan", {a, b}, {want}}};
  return row;
}

Row tensor_and_number(const std::string& name, const std::string& sign, CompareNumber f, Test test) {
  Row row = base(name + "_number", "x " + sign + " c");
  row.covers = {name};
  row.call = [f](std::span<const Tensor> in) { return std::vector{f(in[0], 1, Location::current())}; };
  row.reference = [test](std::span<const Array> in) {
    return Arrays{map(in[0], [test](double x) { return test(x, 1) ? 1.0 : 0.0; })};
  };
  for (Sample sample : samples()) {
    sample.inputs.resize(1);
    row.samples.push_back(sample);
  }
  row.benchmarks = benchmarks(1);
  row.bad = {bad<DTypeError>(
      "fraction_with_i64", [f] { f(zeros_of({2}, i64), 0.5, Location::current()); },
      name + ": 0.5 with a tensor of i64 (want a whole number, or a floating tensor: cast with to())")};
  const Array x({3}, {kNan, kInf, -kInf});
  row.edges = {{"infinite_and_nan",
                {x},
                {Array({3}, {name == "ne" ? 1.0 : 0.0, test(kInf, 1) ? 1.0 : 0.0, test(-kInf, 1) ? 1.0 : 0.0})}}};
  return row;
}

Row is_close() {
  static constexpr CloseOptions kWide{.rtol = 0.25, .atol = 1};  // neighbours among whole numbers are close
  Row row = base("isclose", "|a - b| <= atol + rtol |b|");
  row.call = [](std::span<const Tensor> in) { return std::vector{isclose(in[0], in[1], kWide)}; };
  row.reference = [](std::span<const Array> in) {
    return Arrays{zip(in[0], in[1], [](double a, double b) { return std::abs(a - b) <= 1 + 0.25 * std::abs(b); })};
  };
  row.samples = samples();
  row.benchmarks = benchmarks(2);
  row.bad = {bad<UsageError>(
                 "tolerance", [] { isclose(zeros_of({2}), zeros_of({2}), {.rtol = -1}); },
                 "isclose: rtol is -1, atol is 1e-08 (want numbers >= 0)"),
             bad<ShapeError>(
                 "shapes",
                 [] {
                   isclose(zeros_of({2, 3}), zeros_of({2, 4}));
                 },
                 "isclose: shapes do not broadcast: [2, 3] and [2, 4] (want equal sizes or 1 at axis -1: got 3 and 4)"),
             bad<DTypeError>(
                 "types", [] { isclose(zeros_of({2}), zeros_of({2}, f64)); },
                 "isclose: element types differ: f32 and f64 (want one type; cast with to())")};
  const Array a({7}, {kNan, kNan, 1.0, kInf, -kInf, kInf, 0.0}), b({7}, {kNan, 1.0, kNan, kInf, kInf, 1.0, -0.0});
  const auto equal_nan = [](std::span<const Tensor> in) {
    return std::vector{isclose(in[0], in[1], {.equal_nan = true})};
  };
  row.edges = {{"infinite_and_nan", {a, b}, {Array({7}, {0, 0, 0, 1, 0, 0, 1})}},
               {"equal_nan", {a, b}, {Array({7}, {1, 0, 0, 1, 0, 0, 1})}, {}, equal_nan}};
  return row;
}

}  // namespace

std::vector<Row> comparison_rows() {
  std::vector<Row> result;
  const auto add = [&](const char* name, const char* sign, Compare f, CompareNumber with_number, Test test) {
    result.push_back(two_tensors(name, sign, f, test));
    result.push_back(tensor_and_number(name, sign, with_number, test));
  };
  add("eq", "==", eq, eq, [](double a, double b) { return a == b; });
  add("ne", "!=", ne, ne, [](double a, double b) { return a != b; });
  add("lt", "<", lt, lt, [](double a, double b) { return a < b; });
  add("le", "<=", le, le, [](double a, double b) { return a <= b; });
  add("gt", ">", gt, gt, [](double a, double b) { return a > b; });
  add("ge", ">=", ge, ge, [](double a, double b) { return a >= b; });
  result.push_back(is_close());
  return result;
}

}  // namespace dagrad::op_table
