#include <algorithm>
#include <cmath>
#include <limits>

#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

/// What a sample reduces over.
struct Over {
  Axes axes;
  bool keepdim = false;

  bool has(int axis, int rank) const {
    const auto same = [&](std::int64_t a) { return (a < 0 ? a + rank : a) == axis; };
    return axes.empty() || std::any_of(axes.begin(), axes.end(), same);
  }
  Shape result(const Shape& src, bool keep) const {
    Shape shape;
    for (int i = 0; i < src.rank(); ++i) {
      if (!has(i, src.rank()))
        shape.push_back(src[i]);
      else if (keep)
        shape.push_back(1);
    }
    return shape;
  }
  double length(const Shape& src) const {
    double n = 1;
    for (int i = 0; i < src.rank(); ++i) n *= has(i, src.rank()) ? static_cast<double>(src[i]) : 1;
    return n;
  }
};

/// The elements that go into each element of the result, in order.
std::vector<std::vector<double>> groups(const Array& src, const Over& over) {
  const Shape kept = over.result(src.shape, true);
  std::vector<std::vector<double>> result(static_cast<std::size_t>(count_of(kept)));
  std::int64_t i = 0;
  for (const Index& index : indices(src.shape)) result[static_cast<std::size_t>(flat(kept, index))].push_back(src[i++]);
  return result;
}

template <class F>
Reference reduce(const Over& over, const F& f) {
  return [over, f](std::span<const Array> in) {
    Array result(over.result(in[0].shape, over.keepdim));
    std::int64_t i = 0;
    for (const std::vector<double>& group : groups(in[0], over)) result[i++] = f(group);
    return Arrays{result};
  };
}

double total(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum;
}
double average(const std::vector<double>& x) { return total(x) / static_cast<double>(x.size()); }
double largest(const std::vector<double>& x) { return *std::max_element(x.begin(), x.end()); }

using Function = Tensor (*)(const Tensor&, const Axes&, bool, Location);

/// Shapes, each with every kind of axes: all, the last (rows in line), the first (columns), the middle, several.
template <class F>
std::vector<Sample> samples(Function f, const F& reference, const Domain& domain, bool empty_too) {
  std::vector<Sample> result;
  const auto add = [&](const char* name, const Shape& shape, const Over& over) {
    Sample sample{name, {{shape, domain}}};
    sample.call = [f, over](std::span<const Tensor> in) {
      return std::vector{f(in[0], over.axes, over.keepdim, Location::current())};
    };
    sample.reference = reduce(over, reference);
    sample.roundings = over.length(shape);
    result.push_back(sample);
  };
  add("scalar", {}, {});
  add("one", {1}, {});
  add("all_17", {17}, {});
  add("all_3x33", {3, 33}, {});
  add("last_4x33", {4, 33}, {{-1}});
  add("last_kept_4x17", {4, 17}, {{-1}, true});
  add("first_33x4", {33, 4}, {{0}});
  add("first_kept_7x5", {7, 5}, {{0}, true});
  add("middle_3x5x4", {3, 5, 4}, {{1}});
  add("outer_3x5x4", {3, 5, 4}, {{0, -1}});
  add("leading_3x5x4", {3, 5, 4}, {{1, 0}});
  add("trailing_2x3x4x5", {2, 3, 4, 5}, {{2, 3}, true});
  add("size_1_axis_5x1", {5, 1}, {{1}});
  add("empty_result_0x3", {0, 3}, {{1}});
  if (empty_too) {
    add("empty_all", {0}, {});
    add("empty_axis_3x0", {3, 0}, {{1}});
    add("empty_leading_axis_0x3", {0, 3}, {{0}});
  }
  add("blocks_9001", {9001}, {});
  add("threads_all_200003", {200003}, {});
  add("threads_last_300x1031", {300, 1031}, {{1}});
  add("threads_first_600x257", {600, 257}, {{0}});
  add("threads_middle_40x50x67", {40, 50, 67}, {{1}});
  return result;
}

template <class F>
std::vector<Benchmark> benchmarks(Function f, const F& reference) {
  std::vector<Benchmark> result;
  for (const auto& [name, n] : {std::pair{"small", 8}, {"medium", 128}, {"large", 2048}}) {
    for (const std::int64_t axis : {-1, 0}) {
      Sample sample{std::string(name) + (axis == 0 ? "_columns" : "_rows"), {{{n, n}}}};
      sample.call = [f, axis](std::span<const Tensor> in) {
        return std::vector{f(in[0], {axis}, false, Location::current())};
      };
      sample.reference = reduce({{axis}}, reference);
      result.push_back({sample, static_cast<double>(n) * n});
    }
  }
  return result;
}

std::vector<Bad> bad_axes(const std::string& name, Function f) {
  return {bad<ShapeError>(
              "axis",
              [f] {
                f(zeros_of({2, 3}), {2}, false, Location::current());
              },
              name + ": axis out of range: 2 (want -2 to 1 for 2 dimensions)"),
          bad<ShapeError>(
              "repeated_axis",
              [f] {
                f(zeros_of({2, 3}), {1, -1}, false, Location::current());
              },
              name + ": axis 1 is named twice (want each once)")};
}

Row sum_row() {
  Row row{.name = "sum", .formula = "sum of x over axes"};
  row.terms = at_absolute_values;
  row.samples = samples(sum, total, kAny, true);
  for (Sample& sample : row.samples) sample.gradient_roundings = 0;
  row.exact_on_integers = row.takes_i64 = true;
  row.bad = bad_axes("sum", sum);
  row.edges = {
      {"of_nothing",
       {Array({2, 0})},
       {Array({2})},
       {},
       [](std::span<const Tensor> in) { return std::vector{sum(in[0], {1})}; }},
      {"infinite_and_nan",
       {Array({3, 2}, {kInf, 1, kInf, -kInf, kNan, 1})},
       {Array({3}, {kInf, kNan, kNan})},
       {},
       [](std::span<const Tensor> in) { return std::vector{sum(in[0], {1})}; }},
      {"counts_booleans", {Array({4}, {1.0, 0, 1, 1})}, {Array(Shape{}, 3)}, {}, [](std::span<const Tensor> in) {
         return std::vector{sum(to(in[0], boolean))};
       }}};
  row.benchmarks = benchmarks(sum, total);
  return row;
}

Row mean_row() {
  Row row{.name = "mean", .formula = "sum of x over axes / count"};
  row.terms = at_absolute_values;
  row.samples = samples(mean, average, kAny, true);
  for (Sample& sample : row.samples) {
    sample.roundings += 1;
    sample.gradient_roundings = 1;
  }
  row.bad = bad_axes("mean", mean);
  row.bad.push_back(bad<DTypeError>(
      "i64", [] { mean(zeros_of({2}, i64)); }, "mean: i64 (want f32, bf16 or f64; cast with to())"));
  row.edges = {{"of_nothing", {Array({2, 0})}, {Array({2}, kNan)}, {}, [](std::span<const Tensor> in) {
                  return std::vector{mean(in[0], {1})};
                }}};
  row.benchmarks = benchmarks(mean, average);
  return row;
}

Row max_row() {
  Row row{.name = "max", .formula = "largest x over axes"};
  row.samples = samples(max, largest, kDistinct, false);
  for (Sample& sample : row.samples) {
    sample.roundings = 0;
    sample.gradient_roundings = 1;
  }
  row.exact_on_integers = row.takes_i64 = true;
  row.nonzero_gradients = 0.05;  // one in each group
  row.bad = bad_axes("max", max);
  row.bad.push_back(bad<ShapeError>(
      "empty_axis",
      [] {
        max(zeros_of({2, 0}), {1});
      },
      "max: [2, 0] over axes=[1] (want at least one element along the axes)"));
  row.edges = {{"of_nan",
                {Array({2, 3}, {1, kNan, kInf, -kInf, -kInf, -kInf})},
                {Array({2}, {kNan, -kInf})},
                {},
                [](std::span<const Tensor> in) { return std::vector{max(in[0], {1})}; }},
               {"infinite",
                {Array({40}, kInf)},
                {Array(Shape{}, kInf)},
                {},
                [](std::span<const Tensor> in) { return std::vector{max(in[0])}; }},
               {"equal_maxima_share_the_gradient",
                {Array({4}, {3.0, 1, 3, 2})},
                {Array(Shape{}, 3)},
                {Array({4}, {0.5, 0, 0.5, 0})},
                [](std::span<const Tensor> in) { return std::vector{max(in[0])}; }}};
  row.benchmarks = benchmarks(max, largest);
  return row;
}

Sample argmax_sample(const char* name, const Shape& shape, std::int64_t axis, bool keepdim) {
  Sample sample{name, {{shape, kDistinct}}};
  sample.call = [axis, keepdim](std::span<const Tensor> in) { return std::vector{argmax(in[0], axis, keepdim)}; };
  sample.reference = reduce({{axis}, keepdim}, [](const std::vector<double>& x) {
    return static_cast<double>(std::max_element(x.begin(), x.end()) - x.begin());
  });
  return sample;
}

Row argmax_row() {
  Row row{.name = "argmax", .formula = "index of the largest x along axis"};
  row.orders = 0;
  row.result_type = [](DType) { return i64; };
  row.exact_on_integers = row.takes_i64 = true;
  row.samples = {argmax_sample("one", {1}, 0, false),
                 argmax_sample("tail_17", {17}, -1, false),
                 argmax_sample("last_3x33", {3, 33}, 1, false),
                 argmax_sample("first_kept_33x3", {33, 3}, 0, true),
                 argmax_sample("middle_3x5x4", {3, 5, 4}, -2, false),
                 argmax_sample("empty_result_0x3", {0, 3}, 1, false),
                 argmax_sample("large_64x1031", {64, 1031}, 1, false)};
  row.bad = {bad<ShapeError>(
                 "axis",
                 [] {
                   argmax(zeros_of({2, 3}), 2);
                 },
                 "argmax: axis out of range: 2 (want -2 to 1 for 2 dimensions)"),
             bad<ShapeError>(
                 "empty_axis",
                 [] {
                   argmax(zeros_of({2, 0}), 1);
                 },
                 "argmax: [2, 0] along axis 1 (want at least one element along it)")};
  const auto along_last = [](std::span<const Tensor> in) { return std::vector{argmax(in[0], -1)}; };
  row.edges = {{"first_of_equals", {Array({2, 3}, {1.0, 2, 2, 0, 0, 0})}, {Array({2}, {1.0, 0})}, {}, along_last},
               {"nan_is_largest", {Array({4}, {1, kNan, kInf, kNan})}, {Array(Shape{}, 1)}, {}, along_last},
               {"scalar", {Array(Shape{}, 5)}, {Array(Shape{}, 0)}, {}, along_last}};
  row.benchmarks = {{argmax_sample("small", {8, 8}, -1, false)},
                    {argmax_sample("medium", {128, 128}, -1, false)},
                    {argmax_sample("large", {2048, 2048}, -1, false)}};
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

std::vector<Row> reduction_rows() { return {sum_row(), mean_row(), max_row(), argmax_row(), sum_to_row()}; }

}  // namespace dagrad::op_table
