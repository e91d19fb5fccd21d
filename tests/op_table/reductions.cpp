#include "op_table/reductions.h"

#include <algorithm>
#include <cmath>

namespace dagrad::op_table {

bool Over::has(int axis, int rank) const {
  const auto same = [&](std::int64_t a) { return (a < 0 ? a + rank : a) == axis; };
  return axes.empty() || std::any_of(axes.begin(), axes.end(), same);
}

Shape Over::result(const Shape& src, bool keep) const {
  Shape shape;
  for (int i = 0; i < src.rank(); ++i) {
    if (!has(i, src.rank()))
      shape.push_back(src[i]);
    else if (keep)
      shape.push_back(1);
  }
  return shape;
}

double Over::length(const Shape& src) const {
  double n = 1;
  for (int i = 0; i < src.rank(); ++i) n *= has(i, src.rank()) ? static_cast<double>(src[i]) : 1;
  return n;
}

ReduceOp reducing(Tensor (*f)(const Tensor&, const Axes&, bool, Location)) {
  return [f](const Tensor& x, const Axes& axes, bool keepdim) { return f(x, axes, keepdim, Location::current()); };
}

std::vector<std::vector<double>> groups(const Array& src, const Over& over) {
  const Shape kept = over.result(src.shape, true);
  std::vector<std::vector<double>> result(static_cast<std::size_t>(count_of(kept)));
  std::int64_t i = 0;
  for (const Index& index : indices(src.shape)) result[static_cast<std::size_t>(flat(kept, index))].push_back(src[i++]);
  return result;
}

Reference reduce(const Over& over, const OfGroup& f) {
  return [over, f](std::span<const Array> in) {
    Array result(over.result(in[0].shape, over.keepdim));
    std::int64_t i = 0;
    for (const std::vector<double>& group : groups(in[0], over)) result[i++] = f(group);
    return Arrays{result};
  };
}

Sample reduction_sample(std::string name, const Shape& shape, const Over& over, const ReduceOp& f,
                        const OfGroup& reference, const Domain& domain) {
  Sample sample{std::move(name), {{shape, domain}}};
  sample.call = [f, over](std::span<const Tensor> in) { return std::vector{f(in[0], over.axes, over.keepdim)}; };
  sample.reference = reduce(over, reference);
  sample.roundings = over.length(shape);
  return sample;
}

std::vector<Sample> reduction_samples(const ReduceOp& f, const OfGroup& reference, const Domain& domain,
                                      bool empty_too) {
  std::vector<Sample> result;
  const auto add = [&](const char* name, const Shape& shape, const Over& over) {
    result.push_back(reduction_sample(name, shape, over, f, reference, domain));
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
  add("channels_3x4x3x3", {3, 4, 3, 3}, {{0, 2, 3}});
  add("size_1_axis_5x1", {5, 1}, {{1}});
  add("empty_result_0x3", {0, 3}, {{1}});
  if (empty_too) {
    add("empty_all", {0}, {});
    add("empty_axis_3x0", {3, 0}, {{1}});
    add("empty_leading_axis_0x3", {0, 3}, {{0}});
  }
  add("blocks_9001", {9001}, {});
  add("wide_rows_3x4500", {3, 4500}, {{1}});
  add("wide_columns_300x1100", {300, 1100}, {{0}});
  add("short_rows_500x3", {500, 3}, {{1}});
  add("few_columns_2000x3", {2000, 3}, {{0}});
  add("channels_7x5x11x13", {7, 5, 11, 13}, {{0, 2, 3}});
  add("threads_all_200003", {200003}, {});
  add("threads_last_300x1031", {300, 1031}, {{1}});
  add("threads_long_rows_3x70001", {3, 70001}, {{1}});
  add("threads_first_600x257", {600, 257}, {{0}});
  add("threads_few_columns_50000x3", {50000, 3}, {{0}});
  add("threads_middle_40x50x67", {40, 50, 67}, {{1}});
  add("threads_channels_16x5x33x37", {16, 5, 33, 37}, {{0, 2, 3}});
  return result;
}

std::vector<Benchmark> reduction_benchmarks(const ReduceOp& f, const OfGroup& reference) {
  std::vector<Benchmark> result;
  for (const auto& [name, n] : {std::pair{"small", 8}, {"medium", 128}, {"large", 2048}}) {
    for (const std::int64_t axis : {-1, 0}) {
      const std::string full_name = std::string(name) + (axis == 0 ? "_columns" : "_rows");
      result.push_back({reduction_sample(full_name, {n, n}, {{axis}}, f, reference, kAny), static_cast<double>(n) * n});
    }
  }
  return result;
}

std::vector<Bad> bad_axes(const std::string& name, const ReduceOp& f) {
  return {bad<ShapeError>(
              "axis",
              [f] {
                f(zeros_of({2, 3}), {2}, false);
              },
              name + ": axis out of range: 2 (want -2 to 1 for 2 dimensions)"),
          bad<ShapeError>(
              "repeated_axis",
              [f] {
                f(zeros_of({2, 3}), {1, -1}, false);
              },
              name + ": axis 1 is named twice (want each once)")};
}

Bad over_empty_axis(const std::string& name, const ReduceOp& f) {
  return bad<ShapeError>(
      "empty_axis",
      [f] {
        f(zeros_of({2, 0}), {1}, false);
      },
      name + ": [2, 0] over axes=[1] (want at least one element along the axes)");
}

Bad integers_not_taken(const std::string& name, const ReduceOp& f) {
  return bad<DTypeError>(
      "i64", [f] { f(zeros_of({2}, i64), {}, false); }, name + ": i64 (want f32, bf16 or f64; cast with to())");
}

}  // namespace dagrad::op_table
