#include <algorithm>
#include <cmath>
#include <map>

#include "dagrad/core/creation.h"
#include "dagrad/ops/counting.h"
#include "op_table/families.h"
#include "op_table/indexing.h"

namespace dagrad::op_table {
namespace {

constexpr Domain kFew{.low = -2, .high = 2, .integers = true};  // of which every one comes more than once

// --- bincount ---

Sample count_sample(const char* name, std::int64_t size, std::int64_t kinds, std::int64_t minlength = 0) {
  Sample sample{name, {index_input({size}, kinds)}};
  sample.call = [minlength](std::span<const Tensor> in) { return std::vector{bincount(in[0], minlength)}; };
  sample.reference = [minlength](std::span<const Array> in) {
    double largest = static_cast<double>(minlength) - 1;
    for (const double v : in[0].values) largest = std::max(largest, v);
    Array result(Shape{static_cast<std::int64_t>(largest) + 1});
    for (std::int64_t bin = 0; bin < result.shape[0]; ++bin)
      result[bin] = static_cast<double>(std::count(in[0].values.begin(), in[0].values.end(), static_cast<double>(bin)));
    return Arrays{result};
  };
  return sample;
}

Row bincount_row() {
  Row row{.name = "bincount", .formula = "dst[v] = the number of i with src[i] = v"};
  row.orders = 0;
  row.exact_on_integers = true;
  row.result_type = [](DType) { return i64; };
  row.samples = {count_sample("17_of_5", 17, 5),
                 count_sample("one", 1, 4),
                 count_sample("minlength_12_3_of_4", 3, 4, 12),
                 count_sample("minlength_2_17_of_5", 17, 5, 2),
                 count_sample("empty", 0, 4),
                 count_sample("empty_minlength_3", 0, 4, 3),
                 count_sample("large_20000_of_300", 20000, 300)};
  row.bad = {bad<UsageError>(
                 "negative",
                 [] {
                   bincount(tensor({2, 0, -3, -1}, i64));
                 },
                 "bincount: -3 at position 2 (want at least 0)"),
             bad<UsageError>(
                 "minlength", [] { bincount(zeros_of({2}, i64), -1); }, "bincount: minlength is -1 (want at least 0)"),
             bad<ShapeError>(
                 "matrix",
                 [] {
                   bincount(zeros_of({2, 3}, i64));
                 },
                 "bincount: src is [2, 3] (want a vector)"),
             bad<DTypeError>(
                 "type", [] { bincount(zeros_of({2})); }, "bincount: src is f32 (want i64)")};
  row.benchmarks = {{count_sample("small", 64, 10)}, {count_sample("large", 1 << 20, 1000)}};
  return row;
}

Sample weighted_sample(const char* name, std::int64_t size, std::int64_t kinds, std::int64_t minlength = 0) {
  Sample sample{name, {{{size}}, index_input({size}, kinds)}};
  sample.call = [minlength](std::span<const Tensor> in) { return std::vector{bincount(in[1], in[0], minlength)}; };
  sample.reference = [minlength](std::span<const Array> in) {
    double largest = static_cast<double>(minlength) - 1;
    for (const double v : in[1].values) largest = std::max(largest, v);
    Array result(Shape{static_cast<std::int64_t>(largest) + 1});
    for (std::int64_t i = 0; i < in[0].shape[0]; ++i) result[static_cast<std::int64_t>(in[1][i])] += in[0][i];
    return Arrays{result};
  };
  sample.roundings = static_cast<double>(size);
  return sample;
}

Row weighted_bincount_row() {
  Row row = adding_row("bincount_weighted", "dst[v] = the sum of weights[i] over the i with src[i] = v");
  row.covers = {"weighted_bincount"};
  row.takes_i64 = false;
  row.samples = {weighted_sample("17_of_5", 17, 5), weighted_sample("minlength_12_3_of_4", 3, 4, 12),
                 weighted_sample("empty_minlength_3", 0, 4, 3), weighted_sample("large_3000_of_33", 3000, 33)};
  row.bad = {bad<ShapeError>(
                 "shapes", [] { bincount(zeros_of({2}, i64), zeros_of({3})); },
                 "bincount: src is [2], weights are [3] (want equal shapes)"),
             bad<DTypeError>(
                 "type", [] { bincount(zeros_of({2}, i64), zeros_of({2}, i64)); },
                 "bincount: weights are i64 (want f32, bf16 or f64)")};
  row.benchmarks = {{weighted_sample("small", 64, 10)}, {weighted_sample("large", 1 << 20, 1000)}};
  return row;
}

// --- unique ---

/// Values, the place of each element among them, and how often they come.
Arrays kinds_of(const Array& src) {
  std::map<double, std::int64_t> numbers;
  for (const double v : src.values) ++numbers[v];
  const auto kinds = static_cast<std::int64_t>(numbers.size());
  Array values(Shape{kinds}), inverse(src.shape), counts(Shape{kinds});
  std::int64_t k = 0;
  for (auto& [value, count] : numbers) {
    values[k] = value;
    counts[k] = static_cast<double>(count);
    count = k++;
  }
  for (std::size_t i = 0; i < src.size(); ++i) inverse.values[i] = static_cast<double>(numbers.at(src.values[i]));
  return {values, inverse, counts};
}

Row unique_row_of(const char* name, const char* formula) {
  Row row{.name = name, .formula = formula, .covers = {"unique"}};
  row.orders = 0;
  row.exact_on_integers = row.takes_i64 = true;
  row.samples = {{"scalar", {{{}, kFew}}},
                 {"one", {{{1}, kFew}}},
                 {"17", {{{17}, kFew}}},
                 {"3x5", {{{3, 5}, kFew}}},
                 {"all_different_33", {{{33}, kDistinct}}},
                 {"empty_0x3", {{{0, 3}, kFew}}},
                 {"large_64x1031", {{{64, 1031}, kFew}}}};
  row.benchmarks = {{{"small", {{{64}, kFew}}}}, {{"medium", {{{16 << 10}, kFew}}}}, {{"large", {{{1 << 20}, kFew}}}}};
  return row;
}

Row unique_row() {
  Row row = unique_row_of("unique", "each element of src once, ascending");
  row.call = [](std::span<const Tensor> in) { return std::vector{unique(in[0]).values}; };
  row.reference = [](std::span<const Array> in) { return Arrays{kinds_of(in[0])[0]}; };
  row.edges = {{"zeros_are_equal_and_nans_are_not",
                {Array({6}, {kNan, 0, -0.0, kInf, kNan, -kInf})},
                {Array({5}, {-kInf, 0, kInf, kNan, kNan})}}};
  return row;
}

Row inverse_and_counts_row() {
  Row row = unique_row_of("unique_inverse_and_counts",
                          "the place of each element of src among the values, and how often each of those is in src");
  row.call = [](std::span<const Tensor> in) {
    const UniqueElements result = unique(in[0], {.return_inverse = true, .return_counts = true});
    return std::vector{result.inverse, result.counts};
  };
  row.reference = [](std::span<const Array> in) {
    const Arrays all = kinds_of(in[0]);
    return Arrays{all[1], all[2]};
  };
  row.result_type = [](DType) { return i64; };
  row.edges = {{"zeros_are_equal_and_nans_are_not",
                {Array({6}, {kNan, 0, -0.0, kInf, kNan, -kInf})},
                {Array({6}, {3.0, 1, 1, 2, 4, 0}), Array({5}, {1.0, 2, 1, 1, 1})}}};
  return row;
}

}  // namespace

std::vector<Row> counting_rows() {
  return {bincount_row(), weighted_bincount_row(), unique_row(), inverse_and_counts_row()};
}

}  // namespace dagrad::op_table
