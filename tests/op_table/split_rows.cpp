#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/split.h"
#include "dagrad/ops/unfold.h"
#include "op_table/moving.h"

namespace dagrad::op_table {
namespace {

using Views = std::function<std::vector<Tensor>(const Tensor&)>;

/// A sample whose results are `sizes` positions of `axis` each; sizes of 0 positions too.
Sample parted(const char* name, const Shape& from, const Views& views, int axis, const std::vector<std::int64_t>& sizes,
              bool drop_axis = false) {
  Sample sample{name, {{from}}};
  sample.call = [views](std::span<const Tensor> in) { return views(in[0]); };
  sample.reference = [=](std::span<const Array> in) {
    Arrays results;
    std::int64_t start = 0;
    for (const std::int64_t size : sizes) {
      Shape shape = from;
      shape[axis] = size;
      Array& result = results.emplace_back(shape);
      std::int64_t i = 0;
      for (Index index : indices(shape)) {
        index[static_cast<std::size_t>(axis)] += start;
        result[i++] = in[0][flat(from, index)];
      }
      if (drop_axis) result.shape.erase(axis);
      start += size;
    }
    return results;
  };
  return sample;
}

Row split_row() {
  Row row = moving_row("split", "views of parts of an axis");
  row.samples = {
      parted("by_4_of_10", {10}, [](const Tensor& x) { return split(x, 4); }, 0, {4, 4, 2}),
      parted("by_2_of_3x4", {3, 4}, [](const Tensor& x) { return split(x, 2, 1); }, 1, {2, 2}),
      parted("by_more_5x2", {5, 2}, [](const Tensor& x) { return split(x, 9); }, 0, {5}),
      parted("by_1_of_nothing_0x2", {0, 2}, [](const Tensor& x) { return split(x, 1); }, 0, {0}),
      parted("by_list_2x7x3", {2, 7, 3},
             [](const Tensor& x) {
               return split(x, {3, 0, 4}, -2);
             },
             1, {3, 0, 4}),
      parted("by_list_one_3", {3}, [](const Tensor& x) { return split(x, std::vector<std::int64_t>{3}); }, 0, {3}),
      parted("large_64x1031", {64, 1031}, [](const Tensor& x) { return split(x, 257, 1); }, 1,
             {257, 257, 257, 257, 3})};
  row.bad = {
      bad<ShapeError>(
          "size", [] { split(zeros_of({4}), 0); }, "split: parts of size 0 (want at least 1)"),
      bad<ShapeError>(
          "sum",
          [] {
            split(zeros_of({4, 6}), {2, 3}, 1);
          },
          "split: sizes [2, 3] for axis 1 of [4, 6] (want them >= 0, and 6 in all)"),
      bad<ShapeError>(
          "negative",
          [] {
            split(zeros_of({4}), {5, -1});
          },
          "split: sizes [5, -1] for axis 0 of [4] (want them >= 0, and 4 in all)"),
      bad<ShapeError>(
          "axis", [] { split(zeros_of({4}), 2, 1); }, "split: axis out of range: 1 (want -1 to 0 for 1 dimensions)"),
      bad<ShapeError>(
          "scalar", [] { split(zeros_of({}), 1); }, "split: the source is [] (want at least one dimension)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return parted(name, {n, n}, [n](const Tensor& x) { return split(x, n / 4, 1); }, 1, {n / 4, n / 4, n / 4, n / 4});
  });
  return row;
}

Row chunk_row() {
  Row row = moving_row("chunk", "at most so many views of equal parts of an axis", {"split"});
  row.samples = {parted("3_of_10", {10}, [](const Tensor& x) { return chunk(x, 3); }, 0, {4, 4, 2}),
                 parted("4_of_3x8", {3, 8}, [](const Tensor& x) { return chunk(x, 4, -1); }, 1, {2, 2, 2, 2}),
                 parted("fewer_than_asked_4_of_5", {5}, [](const Tensor& x) { return chunk(x, 4); }, 0, {2, 2, 1}),
                 parted("5_of_3", {3}, [](const Tensor& x) { return chunk(x, 5); }, 0, {1, 1, 1}),
                 parted("2_of_empty_rows_4x0", {4, 0}, [](const Tensor& x) { return chunk(x, 2); }, 0, {2, 2})};
  row.bad = {bad<ShapeError>(
                 "count", [] { chunk(zeros_of({4}), 0); }, "chunk: 0 chunks (want at least 1)"),
             bad<ShapeError>(
                 "scalar", [] { chunk(zeros_of({}), 1); }, "chunk: the source is [] (want at least one dimension)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return parted(name, {n, n}, [](const Tensor& x) { return chunk(x, 2); }, 0, {n / 2, n / 2});
  });
  return row;
}

Row unbind_row() {
  Row row = moving_row("unbind", "a view of each position of an axis");
  const auto ones = [](std::int64_t n) { return std::vector<std::int64_t>(static_cast<std::size_t>(n), 1); };
  row.samples = {parted(
                     "3x17", {3, 17}, [](const Tensor& x) { return unbind(x); }, 0, ones(3), true),
                 parted(
                     "vector_4", {4}, [](const Tensor& x) { return unbind(x); }, 0, ones(4), true),
                 parted(
                     "columns_2x5x3", {2, 5, 3}, [](const Tensor& x) { return unbind(x, -2); }, 1, ones(5), true),
                 parted(
                     "nothing_in_each_2x0", {2, 0}, [](const Tensor& x) { return unbind(x); }, 0, ones(2), true)};
  row.bad = {bad<ShapeError>(
      "scalar", [] { unbind(zeros_of({})); }, "unbind: the source is [] (want at least one dimension)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) {
    return parted(
        name, {n, n}, [](const Tensor& x) { return unbind(x); }, 0, ones(n), true);
  });
  return row;
}

// --- windows ---

struct Windows {
  std::size_t axis;
  std::int64_t size, step;

  /// The most windows that an element may stand in.
  std::int64_t overlap() const { return size / step + 1; }

  Shape shape_of(Shape shape) const {
    std::int64_t& count = shape[static_cast<int>(axis)];
    count = (count - size) / step + 1;
    shape.push_back(size);
    return shape;
  }
  Index source(Index index) const {
    index[axis] = index[axis] * step + index.back();
    index.pop_back();
    return index;
  }
};

Sample unfolded(const char* name, const Shape& from, const Windows& windows) {
  Sample sample = moved(
      name, from,
      [=](const Tensor& x) { return unfold(x, static_cast<std::int64_t>(windows.axis), windows.size, windows.step); },
      windows.shape_of(from), [=](const Index& index) { return windows.source(index); });
  sample.gradient_roundings = static_cast<double>(windows.overlap());
  return sample;
}

Row unfold_row() {
  Row row = moving_row("unfold", "dst[..., i, ..., k] = src[..., i step + k, ...]");
  row.gradient_terms = gradients_at_absolute_values;
  row.samples = {unfolded("17_by_5_step_2", {17}, {0, 5, 2}),
                 unfolded("middle_2x7x3_by_3_step_1", {2, 7, 3}, {1, 3, 1}),
                 unfolded("apart_3x11_by_2_step_4", {3, 11}, {1, 2, 4}),
                 unfolded("whole_6_by_6", {6}, {0, 6, 1}),
                 unfolded("one_each_5x2", {5, 2}, {0, 1, 1}),
                 unfolded("nothing_in_each_4", {4}, {0, 0, 1}),
                 unfolded("empty_0x5_by_2", {0, 5}, {1, 2, 1}),
                 unfolded("large_16x4099_by_400_step_160", {16, 4099}, {1, 400, 160})};
  row.bad = {
      bad<ShapeError>(
          "size",
          [] {
            unfold(zeros_of({3, 4}), -1, 5, 1);
          },
          "unfold: windows of 5 along axis -1 of [3, 4] (want 0 to 4)"),
      bad<ShapeError>(
          "step", [] { unfold(zeros_of({4}), 0, 2, 0); }, "unfold: step is 0 (want at least 1)"),
      bad<ShapeError>(
          "scalar", [] { unfold(zeros_of({}), 0, 1, 1); }, "unfold: the source is [] (want at least one dimension)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return unfolded(name, {n, n}, {1, 8, 4});
  });
  return row;
}

/// The gradient of unfold as a function of diff_dst alone.
Sample folded(const char* name, const Shape& shape, const Windows& windows) {
  Sample sample{name, {{windows.shape_of(shape)}}};
  sample.call = [=](std::span<const Tensor> in) {
    const GradMode recording(true);
    const Tensor src = zeros(shape, in[0].dtype()).requires_grad_();
    const Tensor dst = unfold(src, static_cast<std::int64_t>(windows.axis), windows.size, windows.step);
    return grad(std::vector{dst}, std::vector{src}, std::vector{in[0]}, {.create_graph = true});
  };
  sample.reference = [=](std::span<const Array> in) {
    Array result(shape);
    std::int64_t i = 0;
    for (const Index& index : indices(in[0].shape)) result[flat(shape, windows.source(index))] += in[0][i++];
    return Arrays{result};
  };
  sample.roundings = static_cast<double>(windows.overlap());
  return sample;
}

Row unfold_backward_row() {
  Row row = moving_row("unfold_backward", "each window added where it stood");
  row.takes_i64 = false;
  row.terms = at_absolute_values;
  row.samples = {folded("17_by_5_step_2", {17}, {0, 5, 2}), folded("middle_2x7x3_by_3_step_1", {2, 7, 3}, {1, 3, 1}),
                 folded("apart_3x11_by_2_step_4", {3, 11}, {1, 2, 4}), folded("empty_0x5_by_2", {0, 5}, {1, 2, 1}),
                 folded("large_16x4099_by_400_step_160", {16, 4099}, {1, 400, 160})};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) { return folded(name, {n, n}, {1, 8, 4}); });
  return row;
}

}  // namespace

std::vector<Row> split_rows() { return {split_row(), chunk_row(), unbind_row(), unfold_row(), unfold_backward_row()}; }

}  // namespace dagrad::op_table
