#include <algorithm>

#include "dagrad/ops/scan.h"
#include "dagrad/ops/view.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

using ScanOp = Tensor (*)(const Tensor&, std::int64_t, bool, Location);
using Join = double (*)(double, double);

struct Along {
  const char* name;
  Shape shape;
  int axis;
  bool reverse = false;
};

const std::vector<Along>& shapes() {
  static const std::vector<Along> list{{"scalar", {}, 0},
                                       {"one", {1}, 0},
                                       {"empty_0", {0}, 0},
                                       {"empty_3x0", {3, 0}, 0},
                                       {"vector_17", {17}, 0},
                                       {"vector_reverse_9", {9}, 0, true},
                                       {"rows_3x7", {3, 7}, 1},
                                       {"rows_reverse_9x5", {9, 5}, 1, true},
                                       {"columns_5x9", {5, 9}, 0},
                                       {"middle_reverse_2x5x3", {2, 5, 3}, 1, true},
                                       {"channels_2x4x3x3", {2, 4, 3, 3}, 1},
                                       {"many_columns_40x700", {40, 700}, 0},
                                       {"threads_long_200003", {200003}, 0},
                                       {"threads_long_reverse_2x70001", {2, 70001}, 1, true},
                                       {"threads_rows_300x513", {300, 513}, 1},
                                       {"threads_columns_513x300", {513, 300}, 0}};
  return list;
}

std::vector<Along> benchmark_shapes() {
  return {{"small", {8, 8}, 1},
          {"medium", {128, 128}, 1},
          {"large_rows", {2048, 2048}, 1},
          {"large_columns", {2048, 2048}, 0},
          {"large_long", {4 << 20}, 0}};
}

/// The indices of each line along the axis, in the order in which it is walked.
template <class F>
void for_lines(const Along& s, const F& line) {
  if (s.shape.rank() == 0) return line(std::vector<std::int64_t>{0});
  Shape starts = s.shape;
  starts[s.axis] = std::min<std::int64_t>(1, s.shape[s.axis]);
  for (const Index& start : indices(starts)) {
    std::vector<std::int64_t> places;
    Index index = start;
    for (std::int64_t i = 0; i < s.shape[s.axis]; ++i) {
      index[static_cast<std::size_t>(s.axis)] = i;
      places.push_back(flat(s.shape, index));
    }
    if (s.reverse) std::reverse(places.begin(), places.end());
    line(places);
  }
}

double length(const Along& s) { return s.shape.rank() == 0 ? 1 : static_cast<double>(s.shape[s.axis]); }

Sample scan_sample(const Along& s, ScanOp f, double start, Join join, const Domain& domain) {
  Sample sample{s.name, {{s.shape, domain}}};
  sample.call = [f, s](std::span<const Tensor> in) {
    return std::vector{f(in[0], s.axis, s.reverse, Location::current())};
  };
  sample.reference = [s, start, join](std::span<const Array> in) {
    Array result(s.shape);
    for_lines(s, [&](const std::vector<std::int64_t>& places) {
      double total = start;
      for (const std::int64_t at : places) result[at] = total = join(total, in[0][at]);
    });
    return Arrays{result};
  };
  sample.roundings = sample.gradient_roundings = length(s);
  return sample;
}

std::vector<Bad> bad_axis(const std::string& name, ScanOp f) {
  return {bad<ShapeError>(
      "axis",
      [f] {
        f(zeros_of({2, 3}), 2, false, Location::current());
      },
      name + ": axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
}

Edge along_last(std::string name, Array input, Array want, ScanOp f, Arrays gradients = {}) {
  return {
      std::move(name), {std::move(input)}, {std::move(want)}, std::move(gradients), [f](std::span<const Tensor> in) {
        return std::vector{f(in[0], -1, false, Location::current())};
      }};
}

double add(double a, double b) { return a + b; }
double multiply(double a, double b) { return a * b; }

Row cumsum_row() {
  Row row{.name = "cumsum", .formula = "sum of x up to each place along axis"};
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  for (const Along& s : shapes()) row.samples.push_back(scan_sample(s, cumsum, 0, add, kAny));
  row.exact_on_integers = row.takes_i64 = true;
  row.bad = bad_axis("cumsum", cumsum);
  row.edges = {
      along_last("infinite_and_nan", Array({2, 3}, {1, kInf, -kInf, kNan, 1, 2}),
                 Array({2, 3}, {1, kInf, kNan, kNan, kNan, kNan}), cumsum),
      {"counts_booleans", {Array({3}, {1.0, 0, 1})}, {Array({3}, {1.0, 1, 2})}, {}, [](std::span<const Tensor> in) {
         return std::vector{cumsum(to(in[0], boolean), 0)};
       }}};
  for (const Along& s : benchmark_shapes()) row.benchmarks.push_back({scan_sample(s, cumsum, 0, add, kAny)});
  return row;
}

Row cumprod_row() {
  Row row{.name = "cumprod", .formula = "product of x up to each place along axis"};
  for (const Along& s : shapes()) {
    const double n = length(s);
    const Domain near_1{.low = 1 - 1 / n, .high = 1 + 1 / n};
    Sample sample = scan_sample(s, cumprod, 1, multiply, n < 20 ? kAwayFromZero : near_1);
    // Products of products, each with a sum: by the largest, as they are added up with either sign.
    sample.gradient_roundings = 3 * n;
    row.samples.push_back(sample);
  }
  constexpr Domain with_zeros{.low = -1, .high = 2, .integers = true};
  row.samples.push_back(scan_sample({"zeros_4x5", {4, 5}, 1}, cumprod, 1, multiply, with_zeros));
  row.samples.push_back(scan_sample({"zeros_reverse_5x3", {5, 3}, 0, true}, cumprod, 1, multiply, with_zeros));
  row.gradient_terms = gradients_at_absolute_values;
  row.bad = bad_axis("cumprod", cumprod);
  row.edges = {along_last("gradients_at_zeros", Array({2, 3}, {2.0, 0, 3, 0, 0, 5}),
                          Array({2, 3}, {2.0, 0, 0, 0, 0, 0}), cumprod, {Array({2, 3}, {1.0, 8, 0, 1, 0, 0})}),
               along_last("infinite_and_nan", Array({2, 3}, {1, kInf, 0, kNan, 1, 2}),
                          Array({2, 3}, {1, kInf, kNan, kNan, kNan, kNan}), cumprod)};
  for (const Along& s : benchmark_shapes()) {
    row.benchmarks.push_back({scan_sample(s, cumprod, 1, multiply, {.low = 0.999, .high = 1.001})});
  }
  return row;
}

Sample recurrence_sample(const Along& s) {
  constexpr Domain below_1{.low = -0.9, .high = 0.9};
  Sample sample{s.name, {{s.shape, below_1}, {s.shape}}};
  sample.call = [s](std::span<const Tensor> in) {
    return std::vector{linear_recurrence(in[0], in[1], s.axis, s.reverse)};
  };
  sample.reference = [s](std::span<const Array> in) {
    Array result(s.shape);
    for_lines(s, [&](const std::vector<std::int64_t>& places) {
      double total = 0;
      for (const std::int64_t at : places) result[at] = total = in[0][at] * total + in[1][at];
    });
    return Arrays{result};
  };
  // What goes back further than a hundred steps is below 0.9^100.
  sample.roundings = 2 * std::min(100.0, length(s));
  sample.gradient_roundings = 2 * sample.roundings + 2;
  return sample;
}

Row recurrence_row() {
  Row row{.name = "linear_recurrence", .formula = "dst[i] = a[i] dst[i - 1] + b[i] along axis"};
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  for (const Along& s : shapes()) row.samples.push_back(recurrence_sample(s));
  row.bad = {bad<ShapeError>(
                 "shapes",
                 [] {
                   linear_recurrence(zeros_of({2, 3}), zeros_of({3}), 0);
                 },
                 "linear_recurrence: shapes differ: a is [2, 3], b is [3] (want equal shapes)"),
             bad<DTypeError>(
                 "types", [] { linear_recurrence(zeros_of({2}), zeros_of({2}, f64), 0); },
                 "linear_recurrence: element types differ: f32 and f64 (want one type; cast with to())"),
             bad<DTypeError>(
                 "i64", [] { linear_recurrence(zeros_of({2}, i64), zeros_of({2}, i64), 0); },
                 "linear_recurrence: i64 (want f32, bf16 or f64; cast with to())"),
             bad<ShapeError>(
                 "axis", [] { linear_recurrence(zeros_of({2}), zeros_of({2}), 1); },
                 "linear_recurrence: axis out of range: 1 (want -1 to 0 for 1 dimensions)")};
  row.edges = {{"first_factor_does_not_matter",
                {Array({3}, {kNan, 2, 3}), Array({3}, {1.0, 1, 1})},
                {Array({3}, {1.0, 3, 10})},
                {Array({3}, {0.0, 4, 3}), Array({3}, {9.0, 4, 1})},
                [](std::span<const Tensor> in) { return std::vector{linear_recurrence(in[0], in[1], 0)}; }}};
  for (const Along& s : benchmark_shapes()) row.benchmarks.push_back({recurrence_sample(s)});
  return row;
}

}  // namespace

std::vector<Row> scan_rows() { return {cumsum_row(), cumprod_row(), recurrence_row()}; }

}  // namespace dagrad::op_table
