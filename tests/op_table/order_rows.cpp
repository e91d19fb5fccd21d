#include <algorithm>
#include <cmath>
#include <numeric>

#include "dagrad/ops/order.h"
#include "dagrad/ops/view.h"
#include "op_table/reductions.h"

namespace dagrad::op_table {
namespace {

/// Which of the elements along an axis, in which order.
struct Want {
  std::int64_t first = 0, count = 0;
  bool descending = false, keepdim = true;
};

/// Values and indices by a stable sort.
Reference ordered(int axis, const Want& want) {
  return [axis, want](std::span<const Array> in) {
    const Array& x = in[0];
    const bool scalar = x.shape.rank() == 0;
    Shape kept = x.shape;
    if (!scalar) kept[axis] = want.count;
    Array values(kept), places(kept);
    Shape lines = x.shape;
    if (!scalar) lines[axis] = 1;
    for (const Index& line : indices(lines)) {
      const auto at = [&](const Shape& shape, std::int64_t i) {
        Index index = line;
        if (!scalar) index[static_cast<std::size_t>(axis)] = i;
        return flat(shape, index);
      };
      std::vector<std::int64_t> order(static_cast<std::size_t>(scalar ? 1 : x.shape[axis]));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        const double v = x[at(x.shape, want.descending ? b : a)], w = x[at(x.shape, want.descending ? a : b)];
        return v < w || (std::isnan(w) && !std::isnan(v));
      });
      for (std::int64_t i = 0; i < want.count; ++i) {
        const std::int64_t from = order[static_cast<std::size_t>(want.first + i)];
        values[at(kept, i)] = x[at(x.shape, from)];
        places[at(kept, i)] = static_cast<double>(from);
      }
    }
    if (!want.keepdim && !scalar) {
      kept.erase(axis);
      values.shape = places.shape = kept;
    }
    return Arrays{values, places};
  };
}

std::vector<Tensor> both(const ValuesAndIndices& result) { return {result.values, result.indices}; }

/// The row of one of two results: values have gradients, indices another type.
Row part(Row row, std::size_t which) {
  const auto of_call = [which](Call call) -> Call {
    return [call = std::move(call), which](std::span<const Tensor> in) { return std::vector{call(in)[which]}; };
  };
  for (Sample& sample : row.samples) {
    sample.call = of_call(sample.call);
    sample.reference = [reference = sample.reference, which](std::span<const Array> in) {
      return Arrays{reference(in)[which]};
    };
  }
  for (Benchmark& benchmark : row.benchmarks) benchmark.sample.call = of_call(benchmark.sample.call);
  for (Edge& edge : row.edges) {
    edge.call = of_call(edge.call);
    edge.want = {edge.want[which]};
  }
  if (which == 0) return row;
  row.name += "_indices";
  row.composite = true;
  row.orders = 0;
  row.result_type = [](DType) { return i64; };
  row.bad.clear();
  return row;
}

struct Case {
  const char* name;
  Shape shape;
  int axis;
};

const std::vector<Case>& cases_along_axes() {
  static const std::vector<Case> list{{"scalar", {}, 0},
                                      {"one", {1}, 0},
                                      {"tail_17", {17}, 0},
                                      {"last_3x9", {3, 9}, 1},
                                      {"first_9x4", {9, 4}, 0},
                                      {"middle_3x5x4", {3, 5, 4}, 1},
                                      {"empty_result_0x3", {0, 3}, 1},
                                      {"rows_30x131", {30, 131}, 1},
                                      {"columns_131x30", {131, 30}, 0}};
  return list;
}

/// In bf16 elements become equal, and the order another.
Row order_row(const char* name, const char* formula) {
  Row row{.name = name, .formula = formula, .takes_bf16 = false};
  row.gradient_roundings = 0;
  row.nonzero_gradients = 0.05;
  return row;
}

Sample sort_sample(const Case& c, bool descending, const Domain& domain) {
  Sample sample{c.name, {{c.shape, domain}}};
  sample.call = [c, descending](std::span<const Tensor> in) { return both(sort(in[0], c.axis, descending)); };
  const std::int64_t size = c.shape.rank() == 0 ? 1 : c.shape[c.axis];
  sample.reference = ordered(c.axis, {.count = size, .descending = descending});
  return sample;
}

Row sort_row() {
  Row row = order_row("sort", "x along axis in order, and where it stood");
  for (const bool descending : {false, true}) {
    for (const Case& c : cases_along_axes()) {
      row.samples.push_back(sort_sample(c, descending, kDistinct));
      if (descending) row.samples.back().name += "_descending";
    }
  }
  row.samples.push_back(sort_sample({"empty_0", {0}, 0}, false, kAny));
  row.samples.push_back(sort_sample({"threads_200x777", {200, 777}, 1}, false, kAny));
  row.samples.push_back(sort_sample({"radix_20011", {20011}, 0}, true, kAny));
  row.exact_on_integers = true;
  row.bad = {bad<ShapeError>(
      "axis",
      [] {
        sort(zeros_of({2, 3}), 2);
      },
      "sort: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  const auto call = [](bool descending) -> Call {
    return [descending](std::span<const Tensor> in) { return both(sort(in[0], -1, descending)); };
  };
  const Array mixed({7}, {1, kNan, -kInf, 0.0, -0.0, kInf, kNan});
  row.edges = {{"stable",
                {Array({5}, {2.0, 1, 2, 1, 2})},
                {Array({5}, {1.0, 1, 2, 2, 2}), Array({5}, {1.0, 3, 0, 2, 4})},
                {},
                call(false)},
               {"stable_descending",
                {Array({5}, {2.0, 1, 2, 1, 2})},
                {Array({5}, {2.0, 2, 2, 1, 1}), Array({5}, {0.0, 2, 4, 1, 3})},
                {},
                call(true)},
               {"nan_last",
                {mixed},
                {Array({7}, {-kInf, 0, 0, 1, kInf, kNan, kNan}), Array({7}, {2.0, 3, 4, 0, 5, 1, 6})},
                {},
                call(false)},
               {"nan_first_descending",
                {mixed},
                {Array({7}, {kNan, kNan, kInf, 1, 0, 0, -kInf}), Array({7}, {1.0, 6, 5, 0, 3, 4, 2})},
                {},
                call(true)},
               {"bf16",
                {Array({4}, {3.0, -1, 2, -1})},
                {Array({4}, {-1.0, -1, 2, 3}), Array({4}, {1.0, 3, 2, 0})},
                {},
                [](std::span<const Tensor> in) { return both(sort(to(in[0], bf16))); }},
               {"integers",
                {Array({4}, {3.0, -1, 2, -1})},
                {Array({4}, {-1.0, -1, 2, 3}), Array({4}, {1.0, 3, 2, 0})},
                {},
                [](std::span<const Tensor> in) { return both(sort(to(in[0], i64))); }}};
  row.benchmarks = {{sort_sample({"small", {8, 8}, 1}, false, kAny)},
                    {sort_sample({"medium", {128, 128}, 1}, false, kAny)},
                    {sort_sample({"large", {2048, 2048}, 1}, false, kAny)},
                    {sort_sample({"large_long", {4 << 20}, 0}, false, kAny)}};
  return row;
}

Row argsort_row() {
  Row row{.name = "argsort", .formula = "the indices that sort gives", .composite = true};
  row.orders = 0;
  row.result_type = [](DType) { return i64; };
  row.takes_bf16 = false;
  row.exact_on_integers = row.takes_i64 = true;
  const auto sample_of = [](const Case& c) {
    Sample sample{c.name, {{c.shape, kDistinct}}};
    sample.call = [c](std::span<const Tensor> in) { return std::vector{argsort(in[0], c.axis, true)}; };
    const std::int64_t size = c.shape.rank() == 0 ? 1 : c.shape[c.axis];
    sample.reference = [order = ordered(c.axis, {.count = size, .descending = true})](std::span<const Array> in) {
      return Arrays{order(in)[1]};
    };
    return sample;
  };
  for (const Case& c : cases_along_axes()) row.samples.push_back(sample_of(c));
  row.bad = {bad<ShapeError>(
      "axis", [] { argsort(zeros_of({2}), 1); }, "argsort: axis out of range: 1 (want -1 to 0 for 1 dimensions)")};
  row.benchmarks = {{sample_of({"large", {2048, 2048}, 1})}};
  return row;
}

Sample topk_sample(const Case& c, std::int64_t k, bool largest, const Domain& domain) {
  Sample sample{std::string(c.name) + (largest ? "" : "_smallest") + "_k_" + std::to_string(k), {{c.shape, domain}}};
  sample.call = [c, k, largest](std::span<const Tensor> in) {
    return both(topk(in[0], k, {.axis = c.axis, .largest = largest}));
  };
  sample.reference = ordered(c.axis, {.count = k, .descending = largest});
  return sample;
}

Row topk_row() {
  Row row = order_row("topk", "the k largest (smallest) x along axis, and where they stood");
  for (const bool largest : {true, false}) {
    for (const Case& c : cases_along_axes()) {
      row.samples.push_back(topk_sample(c, c.shape.rank() == 0 || c.shape[c.axis] < 3 ? 1 : 3, largest, kDistinct));
    }
  }
  row.samples.push_back(topk_sample({"none_3x4", {3, 4}, 1}, 0, true, kDistinct));
  row.samples.push_back(topk_sample({"all_3x4", {3, 4}, 1}, 4, true, kDistinct));
  row.samples.push_back(topk_sample({"most_40x300", {40, 300}, 1}, 250, true, kAny));
  row.samples.push_back(topk_sample({"threads_200x777", {200, 777}, 1}, 5, true, kAny));
  row.samples.push_back(topk_sample({"long_20011", {20011}, 0}, 100, false, kAny));
  row.exact_on_integers = true;
  row.bad = {bad<ShapeError>(
                 "k",
                 [] {
                   topk(zeros_of({2, 3}), 4);
                 },
                 "topk: k is 4 for [2, 3] along axis 1 (want 0 to 3)"),
             bad<ShapeError>(
                 "negative_k",
                 [] {
                   topk(zeros_of({2, 3}), -1, {.axis = 0});
                 },
                 "topk: k is -1 for [2, 3] along axis 0 (want 0 to 2)"),
             bad<ShapeError>(
                 "axis",
                 [] {
                   topk(zeros_of({2, 3}), 1, {.axis = 2});
                 },
                 "topk: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  const auto call = [](std::int64_t k, bool largest) -> Call {
    return [k, largest](std::span<const Tensor> in) { return both(topk(in[0], k, {.largest = largest})); };
  };
  Array falling(Shape{400});
  for (std::int64_t i = 0; i < 400; ++i) falling[i] = static_cast<double>(-i);
  row.edges = {
      {"first_of_equals", {Array({5}, {1.0, 2, 2, 1, 2})}, {Array({2}, 2), Array({2}, {1.0, 2})}, {}, call(2, true)},
      {"nan_is_largest",
       {Array({4}, {1, kInf, kNan, 2})},
       {Array({2}, {kNan, kInf}), Array({2}, {2.0, 1})},
       {},
       call(2, true)},
      {"nan_is_not_smallest",
       {Array({4}, {kNan, kInf, 3, -kInf})},
       {Array({2}, {-kInf, 3}), Array({2}, {3.0, 2})},
       {},
       call(2, false)},
      {"each_better_than_the_last", {falling}, {Array({1}, -399), Array({1}, 399)}, {}, call(1, false)}};
  row.benchmarks = {{topk_sample({"small", {8, 8}, 1}, 3, true, kDistinct)},
                    {topk_sample({"medium", {128, 1000}, 1}, 5, true, kDistinct)},
                    {topk_sample({"large", {2048, 2048}, 1}, 50, true, kDistinct)}};
  return row;
}

Sample kth_sample(const Case& c, std::int64_t k, bool keepdim) {
  Sample sample{c.name, {{c.shape, kDistinct}}};
  sample.call = [c, k, keepdim](std::span<const Tensor> in) { return both(kthvalue(in[0], k, c.axis, keepdim)); };
  sample.reference = ordered(c.axis, {.first = k - 1, .count = 1, .keepdim = keepdim});
  return sample;
}

Row kthvalue_row() {
  Row row = order_row("kthvalue", "the k-th smallest x along axis, and where it stood");
  bool keepdim = false;
  for (const Case& c : cases_along_axes()) {
    keepdim = !keepdim;
    row.samples.push_back(kth_sample(c, c.shape.rank() == 0 ? 1 : (c.shape[c.axis] + 2) / 2, keepdim));
  }
  row.exact_on_integers = true;
  row.bad = {bad<ShapeError>(
                 "k_0",
                 [] {
                   kthvalue(zeros_of({2, 3}), 0);
                 },
                 "kthvalue: k is 0 for [2, 3] along axis 1 (want 1 to 3)"),
             bad<ShapeError>(
                 "k_too_large",
                 [] {
                   kthvalue(zeros_of({2, 3}), 3, 0);
                 },
                 "kthvalue: k is 3 for [2, 3] along axis 0 (want 1 to 2)"),
             bad<ShapeError>(
                 "axis", [] { kthvalue(zeros_of({2}), 1, 1); },
                 "kthvalue: axis out of range: 1 (want -1 to 0 for 1 dimensions)")};
  row.edges = {{"of_equals",
                {Array({4}, {2.0, 1, 1, 1})},
                {Array(Shape{}, 1), Array(Shape{}, 2)},
                {},
                [](std::span<const Tensor> in) { return both(kthvalue(in[0], 2)); }}};
  row.benchmarks = {{kth_sample({"large", {2048, 2048}, 1}, 1000, false)}};
  return row;
}

double lower_median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[(x.size() - 1) / 2];
}

Row median_row() {
  const ReduceOp f = reducing(median);
  Row row{.name = "median", .formula = "the lower of the two x in the middle over axes"};
  row.samples = reduction_samples(f, lower_median, kDistinct, false);
  for (Sample& sample : row.samples) {
    sample.roundings = 0;
    sample.gradient_roundings = 1;
  }
  row.exact_on_integers = row.takes_i64 = true;
  row.nonzero_gradients = 0.05;  // one in each group
  row.bad = bad_axes("median", f);
  row.bad.push_back(over_empty_axis("median", f));
  const Call over_last = [](std::span<const Tensor> in) { return std::vector{median(in[0], {-1})}; };
  row.edges = {
      {"of_nan", {Array({2, 3}, {1, kNan, 2, kInf, -kInf, 0})}, {Array({2}, {kNan, 0})}, {}, over_last},
      {"lower_of_two", {Array({4}, {4.0, 1, 3, 2})}, {Array(Shape{}, 2)}, {Array({4}, {0.0, 0, 0, 1})}, over_last},
      {"equal_ones_share_the_gradient",
       {Array({3}, {2.0, 5, 2})},
       {Array(Shape{}, 2)},
       {Array({3}, {0.5, 0, 0.5})},
       over_last}};
  row.benchmarks = reduction_benchmarks(f, lower_median);
  return row;
}

}  // namespace

std::vector<Row> order_rows() {
  std::vector<Row> result{argsort_row(), median_row()};
  for (const Row& row : {sort_row(), topk_row(), kthvalue_row()}) {
    result.push_back(part(row, 0));
    result.push_back(part(row, 1));
  }
  return result;
}

}  // namespace dagrad::op_table
