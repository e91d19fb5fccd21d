#include <algorithm>

#include "dagrad/ops/extremum.h"
#include "op_table/reductions.h"

namespace dagrad::op_table {
namespace {

double largest(const std::vector<double>& x) { return *std::max_element(x.begin(), x.end()); }
double smallest(const std::vector<double>& x) { return *std::min_element(x.begin(), x.end()); }
double first_largest(const std::vector<double>& x) {
  return static_cast<double>(std::max_element(x.begin(), x.end()) - x.begin());
}
double first_smallest(const std::vector<double>& x) {
  return static_cast<double>(std::min_element(x.begin(), x.end()) - x.begin());
}

/// max for sign 1, min for sign -1.
Row extremum_row(const char* name, const char* formula, const char* covers, const ReduceOp& f, const OfGroup& reference,
                 double sign) {
  Row row{.name = name, .formula = formula, .covers = {covers, "equal_shares"}};
  row.samples = reduction_samples(f, reference, kDistinct, false);
  for (Sample& sample : row.samples) {
    sample.roundings = 0;
    sample.gradient_roundings = 1;
  }
  row.exact_on_integers = row.takes_i64 = true;
  row.nonzero_gradients = 0.05;  // one in each group
  row.bad = bad_axes(name, f);
  row.bad.push_back(over_empty_axis(covers, f));
  const Call over_last = [f](std::span<const Tensor> in) { return std::vector{f(in[0], {-1}, false)}; };
  const double inf = sign * kInf;
  row.edges = {{"of_nan",
                {Array({3, 3}, {1, kNan, inf, -inf, -inf, -inf, kNan, inf, 1})},
                {Array({3}, {kNan, -inf, kNan})},
                {},
                over_last},
               {"nan_in_columns",
                {Array({3, 2}, {1, kNan, kNan, 2, 3, 3})},
                {Array({2}, kNan)},
                {},
                [f](std::span<const Tensor> in) { return std::vector{f(in[0], {0}, false)}; }},
               {"infinite", {Array({40}, inf)}, {Array(Shape{}, inf)}, {}, over_last},
               {"equal_ones_share_the_gradient",
                {Array({4}, {sign * 3, sign, sign * 3, sign * 2})},
                {Array(Shape{}, sign * 3)},
                {Array({4}, {0.5, 0, 0.5, 0})},
                over_last}};
  row.benchmarks = reduction_benchmarks(f, reference);
  return row;
}

using Arg = Tensor (*)(const Tensor&, std::int64_t, bool, Location);

Sample arg_sample(const char* name, const Shape& shape, std::int64_t axis, bool keepdim, Arg f,
                  const OfGroup& reference) {
  Sample sample{name, {{shape, kDistinct}}};
  sample.call = [f, axis, keepdim](std::span<const Tensor> in) {
    return std::vector{f(in[0], axis, keepdim, Location::current())};
  };
  sample.reference = reduce({{axis}, keepdim}, reference);
  return sample;
}

Row arg_row(const std::string& name, const char* formula, Arg f, const OfGroup& reference, double sign) {
  Row row{.name = name, .formula = formula};
  row.orders = 0;
  row.result_type = [](DType) { return i64; };
  row.exact_on_integers = row.takes_i64 = true;
  const auto add = [&](const char* sample, const Shape& shape, std::int64_t axis, bool keepdim = false) {
    row.samples.push_back(arg_sample(sample, shape, axis, keepdim, f, reference));
  };
  add("one", {1}, 0);
  add("scalar", {}, 0);
  row.samples.back().reference = [](std::span<const Array>) { return Arrays{Array(Shape{}, 0.0)}; };
  add("tail_17", {17}, -1);
  add("last_3x33", {3, 33}, 1);
  add("first_kept_33x3", {33, 3}, 0, true);
  add("middle_3x5x4", {3, 5, 4}, -2);
  add("channels_2x5x3x4", {2, 5, 3, 4}, 1);
  add("empty_result_0x3", {0, 3}, 1);
  add("short_rows_500x3", {500, 3}, 1);
  add("blocks_9001", {9001}, 0);
  add("columns_700x1100", {700, 1100}, 0);
  add("threads_rows_64x1031", {64, 1031}, 1);
  add("threads_long_row_200003", {200003}, 0);
  add("threads_few_columns_30000x3", {30000, 3}, 0);
  row.bad = {bad<ShapeError>(
                 "axis",
                 [f] {
                   f(zeros_of({2, 3}), 2, false, Location::current());
                 },
                 name + ": axis out of range: 2 (want -2 to 1 for 2 dimensions)"),
             bad<ShapeError>(
                 "empty_axis",
                 [f] {
                   f(zeros_of({2, 0}), 1, false, Location::current());
                 },
                 name + ": [2, 0] along axis 1 (want at least one element along it)")};
  const auto along = [f](std::int64_t axis) -> Call {
    return [f, axis](std::span<const Tensor> in) { return std::vector{f(in[0], axis, false, Location::current())}; };
  };
  row.edges = {
      {"first_of_equals", {Array({2, 3}, {sign, sign * 2, sign * 2, 0, 0, 0})}, {Array({2}, {1.0, 0})}, {}, along(-1)},
      {"nan_comes_first", {Array({4}, {1, kNan, sign * kInf, kNan})}, {Array(Shape{}, 1)}, {}, along(-1)},
      {"nan_in_columns", {Array({3, 2}, {1, kNan, kNan, kNan, kNan, 2})}, {Array({2}, {1.0, 0})}, {}, along(0)},
      {"infinite", {Array({3}, {-sign * kInf, -sign * kInf, -sign * kInf})}, {Array(Shape{}, 0)}, {}, along(0)},
      {"scalar", {Array(Shape{}, 5)}, {Array(Shape{}, 0)}, {}, along(-1)}};
  row.benchmarks = {{arg_sample("small", {8, 8}, -1, false, f, reference)},
                    {arg_sample("medium", {128, 128}, -1, false, f, reference)},
                    {arg_sample("large", {2048, 2048}, -1, false, f, reference)},
                    {arg_sample("large_columns", {2048, 2048}, 0, false, f, reference)}};
  return row;
}

}  // namespace

std::vector<Row> extremum_rows() {
  return {extremum_row("max", "largest x over axes", "max", reducing(dagrad::max), largest, 1),
          extremum_row("min", "smallest x over axes", "min", reducing(dagrad::min), smallest, -1),
          extremum_row("amax", "max under PyTorch's name", "max", reducing(amax), largest, 1),
          extremum_row("amin", "min under PyTorch's name", "min", reducing(amin), smallest, -1),
          arg_row("argmax", "index of the largest x along axis", argmax, first_largest, 1),
          arg_row("argmin", "index of the smallest x along axis", argmin, first_smallest, -1)};
}

}  // namespace dagrad::op_table
