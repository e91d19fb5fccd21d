#include <algorithm>
#include <cmath>

#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"
#include "op_table/reductions.h"

namespace dagrad::op_table {
namespace {

double total(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum;
}
double average(const std::vector<double>& x) { return total(x) / static_cast<double>(x.size()); }
double product(const std::vector<double>& x) {
  double result = 1;
  for (const double v : x) result *= v;
  return result;
}
double all_of(const std::vector<double>& x) {
  return std::all_of(x.begin(), x.end(), [](double v) { return v != 0; }) ? 1 : 0;
}
double any_of(const std::vector<double>& x) {
  return std::any_of(x.begin(), x.end(), [](double v) { return v != 0; }) ? 1 : 0;
}

Edge over_last(std::string name, Array input, Array want, const ReduceOp& f, Arrays gradients = {}) {
  return {
      std::move(name), {std::move(input)}, {std::move(want)}, std::move(gradients), [f](std::span<const Tensor> in) {
        return std::vector{f(in[0], {-1}, false)};
      }};
}

/// An edge of booleans, or of integers.
Edge of_type(std::string name, DType dtype, Array input, Array want, const ReduceOp& f) {
  return {std::move(name), {std::move(input)}, {std::move(want)}, {}, [f, dtype](std::span<const Tensor> in) {
            return std::vector{f(to(in[0], dtype), {}, false)};
          }};
}

Row sum_row() {
  const ReduceOp f = reducing(sum);
  Row row{.name = "sum", .formula = "sum of x over axes"};
  row.terms = at_absolute_values;
  row.samples = reduction_samples(f, total, kAny, true);
  for (Sample& sample : row.samples) sample.gradient_roundings = 0;
  row.exact_on_integers = row.takes_i64 = true;
  row.bad = bad_axes("sum", f);
  row.edges = {
      over_last("of_nothing", Array({2, 0}), Array({2}), f),
      over_last("infinite_and_nan", Array({3, 2}, {kInf, 1, kInf, -kInf, kNan, 1}), Array({3}, {kInf, kNan, kNan}), f),
      of_type("counts_booleans", boolean, Array({4}, {1.0, 0, 1, 1}), Array(Shape{}, 3), f),
      of_type("bytes", u8, Array({3}, {200.0, 100, 0}), Array(Shape{}, 300), f)};
  row.benchmarks = reduction_benchmarks(f, total);
  return row;
}

Row mean_row() {
  const ReduceOp f = reducing(mean);
  Row row{.name = "mean", .formula = "sum of x over axes / count"};
  row.terms = at_absolute_values;
  row.samples = reduction_samples(f, average, kAny, true);
  for (Sample& sample : row.samples) {
    sample.roundings += 1;
    sample.gradient_roundings = 1;
  }
  row.bad = bad_axes("mean", f);
  row.bad.push_back(integers_not_taken("mean", f));
  row.edges = {over_last("of_nothing", Array({2, 0}), Array({2}, kNan), f)};
  row.benchmarks = reduction_benchmarks(f, average);
  return row;
}

Row prod_row() {
  const ReduceOp f = reducing(prod);
  Row row{.name = "prod", .formula = "product of x over axes", .covers = {"prod"}};
  row.samples = reduction_samples(f, product, kAwayFromZero, true);
  // Near 1, so that long products stay in range.
  for (Sample& sample : row.samples) {
    const double n = sample.roundings;
    if (n > 50) sample.inputs[0].domain = {.low = 1 - 2 / n, .high = 1 + 2 / n};
  }
  constexpr Domain with_zeros{.low = -1, .high = 2, .integers = true};
  for (const Over& over : {Over{{0}}, Over{{1}, true}, Over{}, Over{{0, 2}}}) {
    Sample sample = reduction_sample("", {4, 3, 2}, over, f, product, with_zeros);
    sample.name = "zeros_" + std::to_string(row.samples.size());
    row.samples.push_back(sample);
  }
  // Those of the result, which in f64 depend on the order of its factors, of a quotient and of two products.
  for (Sample& sample : row.samples) sample.gradient_roundings = sample.roundings + 3;
  row.bad = bad_axes("prod", f);
  row.edges = {
      over_last("of_nothing", Array({2, 0}), Array({2}, 1), f),
      over_last("gradients_at_zeros", Array({4, 3}, {2.0, 3, 4, 0, 3, 4, 0, 3, 0, 0, 0, 0}),
                Array({4}, {24.0, 0, 0, 0}), f, {Array({4, 3}, {12.0, 8, 6, 12, 0, 0, 0, 0, 0, 0, 0, 0})}),
      over_last("infinite_and_nan", Array({3, 2}, {kInf, -2, kInf, 0, kNan, 0}), Array({3}, {-kInf, kNan, kNan}), f),
      // 1e30 squared is too large for f32, but what becomes of it is not.
      over_last("large_on_the_way", Array({4}, {0x1p100, 0x1p100, 0x1p-100, 0x1p-100}), Array(Shape{}, 1), f,
                {Array({4}, {0x1p-100, 0x1p-100, 0x1p100, 0x1p100})}),
      of_type("of_integers", i64, Array({4}, {-3.0, 5, 7, 2}), Array(Shape{}, -210), f)};
  row.benchmarks = reduction_benchmarks(f, product);
  for (Benchmark& benchmark : row.benchmarks) benchmark.sample.inputs[0].domain = {.low = 0.99, .high = 1.01};
  return row;
}

Row test_row(const char* name, const char* formula, const ReduceOp& f, const OfGroup& reference, double of_nothing) {
  Row row{.name = name, .formula = formula};
  row.orders = 0;
  row.result_type = [](DType) { return boolean; };
  row.exact_on_integers = row.takes_i64 = true;
  row.samples = reduction_samples(f, reference, {.low = 0, .high = 4, .integers = true}, true);
  for (Sample& sample : row.samples) sample.roundings = 0;
  row.bad = bad_axes(name, f);
  const double all = reference({1, 0}), any = reference({0, 1});
  row.edges = {over_last("of_nothing", Array({2, 0}), Array({2}, of_nothing), f),
               over_last("nan_is_not_zero", Array({2, 2}, {kNan, kNan, -0.0, 0.0}), Array({2}, {1.0, 0}), f),
               of_type("booleans", boolean, Array({3}, {1.0, 0, 1}), Array(Shape{}, all), f),
               of_type("bytes", u8, Array({3}, {0.0, 0, 2}), Array(Shape{}, any), f)};
  row.benchmarks = reduction_benchmarks(f, reference);
  return row;
}

Sample sum_to_sample(const char* name, const Shape& from, const Shape& target) {
  Sample sample{name, {{from}}};
  sample.call = [target](std::span<const Tensor> in) { return std::vector{sum_to(in[0], target)}; };
  sample.reference = [target](std::span<const Array> in) {
    Array result(target);
    std::int64_t i = 0;
    for (const Index& index : indices(in[0].shape)) result[flat(target, index)] += in[0][i++];
    return Arrays{result};
  };
  sample.roundings =
      count_of(target) == 0 ? 0 : static_cast<double>(count_of(from)) / static_cast<double>(count_of(target));
  return sample;
}

Row sum_to_row() {
  Row row{.name = "sum_to",
          .formula = "x summed over what broadcasting to its shape would repeat",
          .covers = {"sum", "reshape"}};
  row.terms = at_absolute_values;
  row.exact_on_integers = row.takes_i64 = true;
  row.samples = {sum_to_sample("same_3x4", {3, 4}, {3, 4}),
                 sum_to_sample("scalar_3x4", {3, 4}, {}),
                 sum_to_sample("row_5x17", {5, 17}, {17}),
                 sum_to_sample("column_5x17", {5, 17}, {5, 1}),
                 sum_to_sample("mixed_2x3x4x5", {2, 3, 4, 5}, {3, 1, 5}),
                 sum_to_sample("leading_ones_2x3", {2, 3}, {1, 1}),
                 sum_to_sample("empty_0x3", {0, 3}, {3}),
                 sum_to_sample("scalar", {}, {}),
                 sum_to_sample("threads_600x257", {600, 257}, {257})};
  row.bad = {bad<ShapeError>(
                 "shape",
                 [] {
                   sum_to(zeros_of({2, 3}), {2});
                 },
                 "sum_to: [2, 3] to [2] (want a shape that broadcasts to the source's)"),
             bad<ShapeError>(
                 "longer",
                 [] {
                   sum_to(zeros_of({2}), {1, 2});
                 },
                 "sum_to: [2] to [1, 2] (want a shape that broadcasts to the source's)")};
  row.benchmarks = {{sum_to_sample("small", {8, 8}, {8}), 64},
                    {sum_to_sample("medium", {128, 128}, {128}), 128 * 128},
                    {sum_to_sample("large", {2048, 2048}, {2048}), 2048 * 2048}};
  return row;
}

}  // namespace

std::vector<Row> reduction_rows() {
  return {sum_row(),
          mean_row(),
          prod_row(),
          test_row("all", "whether all x over axes are not 0", reducing(all), all_of, 1),
          test_row("any", "whether any x over axes is not 0", reducing(any), any_of, 0),
          sum_to_row()};
}

}  // namespace dagrad::op_table
