
#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/view.h"
#include "op_table/moving.h"

namespace dagrad::op_table {
namespace {

Row reshape_row() {
  Row row = moving_row("reshape", "the elements in row-major order under another shape");
  const auto to_shape = [](const Shape& shape) { return [shape](const Tensor& x) { return reshape(x, shape); }; };
  row.samples = {reshaped("scalar_to_1", {}, to_shape({1}), {1}),
                 reshaped("one_to_scalar", {1}, to_shape({}), {}),
                 reshaped("3x17_to_51", {3, 17}, to_shape({51}), {51}),
                 reshaped("6x4_to_2x3x4", {6, 4}, to_shape({2, 3, 4}), {2, 3, 4}),
                 reshaped("6x4_to_8x3", {6, 4}, to_shape({8, -1}), {8, 3}),
                 reshaped("2x1x6_to_3x4", {2, 1, 6}, to_shape({3, 4}), {3, 4}),
                 reshaped("empty_0x3_to_0", {0, 3}, to_shape({0}), {0}),
                 reshaped("large_64x1031", {64, 1031}, to_shape({1031, 64}), {1031, 64})};
  row.bad = {bad<ShapeError>(
                 "count",
                 [] {
                   reshape(zeros_of({2, 3}), {4});
                 },
                 "reshape: [2, 3] with 6 elements to [4] (want the same number of elements)"),
             bad<ShapeError>(
                 "two_unknown",
                 [] {
                   reshape(zeros_of({2, 3}), {-1, -1});
                 },
                 "reshape: [2, 3] with 6 elements to [-1, -1] (want sizes >= 0, and at most one -1)"),
             bad<ShapeError>(
                 "indivisible",
                 [] {
                   reshape(zeros_of({2, 3}), {4, -1});
                 },
                 "reshape: [2, 3] with 6 elements to [4, -1] (want the other sizes to divide the number of elements)"),
             bad<ShapeError>(
                 "negative",
                 [] {
                   reshape(zeros_of({2, 3}), {-2, -3});
                 },
                 "reshape: [2, 3] with 6 elements to [-2, -3] (want sizes >= 0, and at most one -1)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return reshaped(name, {n, n}, [n](const Tensor& x) { return reshape(x, {n * n}); }, {n * n});
  });
  return row;
}

/// Elements in line, merged and cut: always a view.
Row view_row() {
  Row row = moving_row("view", "the same elements under another shape, never copied", {"reshape"});
  const auto to_shape = [](const Shape& shape) { return [shape](const Tensor& x) { return view(x, shape); }; };
  row.samples = {reshaped("scalar_to_1", {}, to_shape({1}), {1}),
                 // The last axis stays as it is, so that any strides allow it.
                 reshaped("3x17_to_3x1x17", {3, 17}, to_shape({3, 1, 17}), {3, 1, 17}),
                 reshaped("1x6x4_to_6x4", {1, 6, 4}, to_shape({-1, 4}), {6, 4}),
                 moved(
                     "transposed_4x6_to_2x3x4", {4, 6},
                     [](const Tensor& x) {
                       return view(transpose(x), {2, 3, 4});
                     },
                     {2, 3, 4},
                     [](const Index& i) {
                       return Index{i[2], i[0] * 3 + i[1]};
                     }),
                 reshaped("empty_0x3_to_0x2", {0, 3}, to_shape({0, 2}), {0, 2})};
  row.bad = {
      bad<ShapeError>(
          "strides",
          [] {
            view(transpose(zeros_of({3, 4})), {12});
          },
          "view: [4, 3] with strides [1, 4] to [12] would move elements (want a shape that the strides allow, or "
          "reshape, which copies)"),
      bad<ShapeError>(
          "count",
          [] {
            view(zeros_of({2, 3}), {4});
          },
          "view: [2, 3] with 6 elements to [4] (want the same number of elements)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return reshaped(name, {n, n}, [n](const Tensor& x) { return view(x, {n, 1, n}); }, {n, 1, n});
  });
  return row;
}

Row flatten_row() {
  Row row = moving_row("flatten", "a run of axes as one", {"reshape"});
  row.samples = {reshaped("all_2x3x4", {2, 3, 4}, [](const Tensor& x) { return flatten(x); }, {24}),
                 reshaped("from_1_2x3x4", {2, 3, 4}, [](const Tensor& x) { return flatten(x, 1); }, {2, 12}),
                 reshaped("first_two_2x3x4", {2, 3, 4}, [](const Tensor& x) { return flatten(x, 0, 1); }, {6, 4}),
                 reshaped("scalar", {}, [](const Tensor& x) { return flatten(x); }, {1}),
                 reshaped("empty_0x3x2", {0, 3, 2}, [](const Tensor& x) { return flatten(x, 1); }, {0, 6})};
  row.bad = {bad<ShapeError>(
                 "order",
                 [] {
                   flatten(zeros_of({2, 3}), 1, 0);
                 },
                 "flatten: axis 1 lies behind axis 0 (want first <= last)"),
             bad<ShapeError>(
                 "axis",
                 [] {
                   flatten(zeros_of({2, 3}), 2);
                 },
                 "flatten: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return reshaped(name, {n, n}, [](const Tensor& x) { return flatten(x); }, {n * n});
  });
  return row;
}

Row squeeze_row() {
  Row row = moving_row("squeeze", "without axes of size 1", {"reshape"});
  row.samples = {reshaped("all_1x3x1", {1, 3, 1}, [](const Tensor& x) { return squeeze(x); }, {3}),
                 reshaped("axis_5x1x2", {5, 1, 2}, [](const Tensor& x) { return squeeze(x, 1); }, {5, 2}),
                 reshaped("last_3x1", {3, 1}, [](const Tensor& x) { return squeeze(x, -1); }, {3}),
                 reshaped("nothing_2x3", {2, 3}, [](const Tensor& x) { return squeeze(x); }, {2, 3}),
                 reshaped("scalar", {}, [](const Tensor& x) { return squeeze(x, 0); }, {}),
                 reshaped("empty_1x0", {1, 0}, [](const Tensor& x) { return squeeze(x, 0); }, {0})};
  row.bad = {bad<ShapeError>(
                 "size",
                 [] {
                   squeeze(zeros_of({2, 3}), 1);
                 },
                 "squeeze: axis 1 of [2, 3] has size 3 (want 1)"),
             bad<ShapeError>(
                 "axis",
                 [] {
                   squeeze(zeros_of({2, 1}), 2);
                 },
                 "squeeze: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return reshaped(name, {n, 1, n}, [](const Tensor& x) { return squeeze(x, 1); }, {n, n});
  });
  return row;
}

Row unsqueeze_row() {
  Row row = moving_row("unsqueeze", "with another axis of size 1", {"reshape"});
  row.samples = {reshaped("first_17", {17}, [](const Tensor& x) { return unsqueeze(x, 0); }, {1, 17}),
                 reshaped("last_3x4", {3, 4}, [](const Tensor& x) { return unsqueeze(x, -1); }, {3, 4, 1}),
                 reshaped("middle_3x4", {3, 4}, [](const Tensor& x) { return unsqueeze(x, 1); }, {3, 1, 4}),
                 reshaped("scalar", {}, [](const Tensor& x) { return unsqueeze(x, 0); }, {1}),
                 reshaped("empty", {0}, [](const Tensor& x) { return unsqueeze(x, 0); }, {1, 0})};
  row.bad = {bad<ShapeError>(
      "axis",
      [] {
        unsqueeze(zeros_of({2, 3}), 3);
      },
      "unsqueeze: axis out of range: 3 (want -3 to 2 for 3 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return reshaped(name, {n, n}, [](const Tensor& x) { return unsqueeze(x, 0); }, {1, n, n});
  });
  return row;
}

Row transpose_row() {
  Row row = moving_row("transpose", "two axes exchanged", {"permute"});
  const auto last_two = [](const Tensor& x) { return transpose(x); };
  row.samples = {
      moved("3x17", {3, 17}, last_two, {17, 3}, [](const Index& i) { return swapped(i, 0, 1); }),
      moved("2x3x5", {2, 3, 5}, last_two, {2, 5, 3}, [](const Index& i) { return swapped(i, 1, 2); }),
      moved(
          "outer_2x3x5", {2, 3, 5}, [](const Tensor& x) { return transpose(x, 0, -1); }, {5, 3, 2},
          [](const Index& i) { return swapped(i, 0, 2); }),
      moved(
          "itself_3x4", {3, 4}, [](const Tensor& x) { return transpose(x, 1, 1); }, {3, 4},
          [](const Index& i) { return i; }),
      moved("one_1x1", {1, 1}, last_two, {1, 1}, [](const Index& i) { return i; }),
      reshaped("scalar", {}, [](const Tensor& x) { return transpose(x, 0, -1); }, {}),
      moved("empty_0x3", {0, 3}, last_two, {3, 0}, [](const Index& i) { return swapped(i, 0, 1); }),
      moved("large_64x1031", {64, 1031}, last_two, {1031, 64}, [](const Index& i) { return swapped(i, 0, 1); })};
  row.bad = {bad<ShapeError>(
                 "axis",
                 [] {
                   transpose(zeros_of({2, 3}), 0, 2);
                 },
                 "transpose: axis out of range: 2 (want -2 to 1 for 2 dimensions)"),
             bad<ShapeError>(
                 "vector", [] { transpose(zeros_of({2})); },
                 "transpose: axis out of range: -2 (want -1 to 0 for 1 dimensions)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) {
    return moved(name, {n, n}, last_two, {n, n}, [](const Index& i) { return swapped(i, 0, 1); });
  });
  return row;
}

Row swapaxes_row() {
  Row row = moving_row("swapaxes", "two axes exchanged", {"permute"});
  row.samples = {moved(
                     "2x3x5", {2, 3, 5}, [](const Tensor& x) { return swapaxes(x, 0, 2); }, {5, 3, 2},
                     [](const Index& i) { return swapped(i, 0, 2); }),
                 moved(
                     "negative_3x4", {3, 4}, [](const Tensor& x) { return swapaxes(x, -1, 0); }, {4, 3},
                     [](const Index& i) { return swapped(i, 0, 1); }),
                 moved(
                     "empty_0x3", {0, 3}, [](const Tensor& x) { return swapaxes(x, 0, 1); }, {3, 0},
                     [](const Index& i) { return swapped(i, 0, 1); }),
                 reshaped("scalar", {}, [](const Tensor& x) { return swapaxes(x, -1, 0); }, {})};
  row.bad = {bad<ShapeError>(
      "axis",
      [] {
        swapaxes(zeros_of({2, 3}), 2, 0);
      },
      "swapaxes: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return moved(
        name, {n, n}, [](const Tensor& x) { return swapaxes(x, 0, 1); }, {n, n},
        [](const Index& i) { return swapped(i, 0, 1); });
  });
  return row;
}

Row movedim_row() {
  Row row = moving_row("movedim", "axes moved to other places", {"permute"});
  row.samples = {moved(
                     "to_the_end_2x3x4", {2, 3, 4}, [](const Tensor& x) { return movedim(x, 0, -1); }, {3, 4, 2},
                     [](const Index& i) {
                       return Index{i[2], i[0], i[1]};
                     }),
                 moved(
                     "to_the_front_2x3x4", {2, 3, 4}, [](const Tensor& x) { return movedim(x, -1, 0); }, {4, 2, 3},
                     [](const Index& i) {
                       return Index{i[1], i[2], i[0]};
                     }),
                 moved(
                     "two_2x3x4x2", {2, 3, 4, 2},
                     [](const Tensor& x) {
                       return movedim(x, {0, 3}, {2, 1});
                     },
                     {3, 2, 2, 4},
                     [](const Index& i) {
                       return Index{i[2], i[0], i[3], i[1]};
                     }),
                 reshaped("scalar", {}, [](const Tensor& x) { return movedim(x, 0, 0); }, {}),
                 reshaped("empty_0x1", {0, 1}, [](const Tensor& x) { return movedim(x, 0, 1); }, {1, 0})};
  row.bad = {bad<ShapeError>(
                 "count",
                 [] {
                   movedim(zeros_of({2, 3}), {0, 1}, {1});
                 },
                 "movedim: 2 axes to 1 places (want as many)"),
             bad<ShapeError>(
                 "repeat",
                 [] {
                   movedim(zeros_of({2, 3}), {0, 0}, {0, 1});
                 },
                 "movedim: axis 0 is named twice (want each once)"),
             bad<ShapeError>(
                 "place",
                 [] {
                   movedim(zeros_of({2, 3}), 0, 2);
                 },
                 "movedim: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return moved(
        name, {n, n}, [](const Tensor& x) { return movedim(x, 0, 1); }, {n, n},
        [](const Index& i) { return swapped(i, 0, 1); });
  });
  return row;
}

Row permute_row() {
  Row row = moving_row("permute", "the axes in another order");
  const auto to_front = [](const Index& i) { return Index{i[1], i[2], i[0]}; };
  row.samples = {
      moved(
          "2x3x4_to_4x2x3", {2, 3, 4},
          [](const Tensor& x) {
            return permute(x, {2, 0, 1});
          },
          {4, 2, 3}, to_front),
      moved(
          "negative_2x3x4", {2, 3, 4},
          [](const Tensor& x) {
            return permute(x, {-1, 0, 1});
          },
          {4, 2, 3}, to_front),
      moved(
          "channels_last_2x3x2x5", {2, 3, 2, 5},
          [](const Tensor& x) {
            return permute(x, {0, 2, 3, 1});
          },
          {2, 2, 5, 3},
          [](const Index& i) {
            return Index{i[0], i[3], i[1], i[2]};
          }),
      moved(
          "one_17", {17}, [](const Tensor& x) { return permute(x, {0}); }, {17}, [](const Index& i) { return i; }),
      moved(
          "scalar", {}, [](const Tensor& x) { return permute(x, {}); }, {}, [](const Index& i) { return i; }),
      moved(
          "empty_2x0x3", {2, 0, 3},
          [](const Tensor& x) {
            return permute(x, {2, 0, 1});
          },
          {3, 2, 0}, to_front)};
  row.bad = {bad<ShapeError>(
                 "count",
                 [] {
                   permute(zeros_of({2, 3}), {0});
                 },
                 "permute: 1 axes for [2, 3] (want each of its 2 axes once)"),
             bad<ShapeError>(
                 "repeat",
                 [] {
                   permute(zeros_of({2, 3}), {1, -1});
                 },
                 "permute: axis 1 is named twice (want each once)"),
             bad<ShapeError>(
                 "axis",
                 [] {
                   permute(zeros_of({2, 3}), {0, 2});
                 },
                 "permute: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return moved(
        name, {n, n},
        [](const Tensor& x) {
          return permute(x, {1, 0});
        },
        {n, n}, [](const Index& i) { return swapped(i, 0, 1); });
  });
  return row;
}

Sample expanded(const char* name, const Shape& from, const Shape& asked, const Shape& to_shape) {
  Sample sample = moved(
      name, from, [asked](const Tensor& x) { return expand(x, asked); }, to_shape, [](const Index& i) { return i; });
  sample.gradient_roundings =
      count_of(from) == 0 ? 0 : static_cast<double>(count_of(to_shape)) / static_cast<double>(count_of(from)) - 1;
  return sample;
}

Row expand_row() {
  Row row = moving_row("expand", "axes of size 1 repeated");
  row.gradient_terms = gradients_at_absolute_values;
  row.samples = {expanded("scalar_to_3x4", {}, {3, 4}, {3, 4}),
                 expanded("row_17_to_3x17", {17}, {3, -1}, {3, 17}),
                 expanded("column_5x1_to_5x4", {5, 1}, {5, 4}, {5, 4}),
                 expanded("middle_2x1x3", {2, 1, 3}, {2, 4, 3}, {2, 4, 3}),
                 expanded("to_itself_3x4", {3, 4}, {3, 4}, {3, 4}),
                 expanded("to_nothing_1x3", {1, 3}, {0, 3}, {0, 3}),
                 expanded("empty_0x1_to_2x0x4", {0, 1}, {2, 0, 4}, {2, 0, 4}),
                 expanded("threads_257_to_600x257", {257}, {600, 257}, {600, 257})};
  row.bad = {bad<ShapeError>(
                 "size",
                 [] {
                   expand(zeros_of({2, 3}), {2, 6});
                 },
                 "expand: [2, 3] to [2, 6] (want the same sizes, or more where the source has 1; new axes in front; -1 "
                 "keeps a size)"),
             bad<ShapeError>(
                 "fewer_axes",
                 [] {
                   expand(zeros_of({1, 3}), {3});
                 },
                 "expand: [1, 3] to [3] (want the same sizes, or more where the source has 1; new axes in front; -1 "
                 "keeps a size)"),
             bad<ShapeError>(
                 "unknown_new_axis",
                 [] {
                   expand(zeros_of({3}), {-1, 3});
                 },
                 "expand: [3] to [-1, 3] (want the same sizes, or more where the source has 1; new axes in front; -1 "
                 "keeps a size)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return expanded(name, {n}, {n, n}, {n, n});
  });
  return row;
}

Row broadcast_to_row() {
  Row row = moving_row("broadcast_to", "axes of size 1 repeated", {"expand"});
  row.gradient_terms = gradients_at_absolute_values;
  const auto sample = [](const char* name, const Shape& from, const Shape& asked) {
    Sample result = expanded(name, from, asked, asked);
    result.call = [asked](std::span<const Tensor> in) { return std::vector{broadcast_to(in[0], asked)}; };
    return result;
  };
  row.samples = {sample("scalar_to_3x4", {}, {3, 4}), sample("column_5x1_to_2x5x4", {5, 1}, {2, 5, 4}),
                 sample("to_itself_3x4", {3, 4}, {3, 4}), sample("to_nothing_1x3", {1, 3}, {0, 3}),
                 sample("empty_0x1_to_0x4", {0, 1}, {0, 4})};
  row.bad = {bad<ShapeError>(
      "size",
      [] {
        broadcast_to(zeros_of({2, 3}), {2, 6});
      },
      "broadcast_to: [2, 3] to [2, 6] (want the same sizes, or more where the source has 1; new axes in front; -1 "
      "keeps a size)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) { return sample(name, {n}, {n, n}); });
  return row;
}

Sample sliced(const char* name, const Shape& from, const View& view, std::size_t axis, std::int64_t start,
              std::int64_t length, std::int64_t step) {
  Shape to_shape = from;
  to_shape[static_cast<int>(axis)] = length;
  return moved(name, from, view, to_shape, [=](Index i) {
    i[axis] = start + i[axis] * step;
    return i;
  });
}

Row slice_row() {
  Row row = moving_row("slice", "x[start:end:step] along an axis");
  row.samples = {
      sliced(
          "17", {17}, [](const Tensor& x) { return slice(x, 0, 3, 12); }, 0, 3, 9, 1),
      sliced(
          "step_3x17", {3, 17}, [](const Tensor& x) { return slice(x, 1, 1, 16, 3); }, 1, 1, 5, 3),
      sliced(
          "from_the_end_7x3", {7, 3}, [](const Tensor& x) { return slice(x, 0, -4, -1); }, 0, 3, 3, 1),
      sliced(
          "clipped_5", {5}, [](const Tensor& x) { return slice(x, 0, -100, 100); }, 0, 0, 5, 1),
      sliced(
          "middle_2x5x3", {2, 5, 3}, [](const Tensor& x) { return slice(x, 1, 0, 5, 2); }, 1, 0, 3, 2),
      sliced(
          "nothing_5x2", {5, 2}, [](const Tensor& x) { return slice(x, 0, 4, 2); }, 0, 4, 0, 1),
      sliced(
          "empty_0x2", {0, 2}, [](const Tensor& x) { return slice(x, 0, 0, 4, 3); }, 0, 0, 0, 1),
      sliced(
          "of_empty_rows_3x0", {3, 0}, [](const Tensor& x) { return slice(x, 0, 1, 3); }, 0, 1, 2, 1),
      sliced(
          "large_64x1031", {64, 1031}, [](const Tensor& x) { return slice(x, 1, 1, 1031, 2); }, 1, 1, 515, 2)};
  row.bad = {
      bad<ShapeError>(
          "step", [] { slice(zeros_of({4}), 0, 0, 4, 0); }, "slice: step is 0 (want at least 1)"),
      bad<ShapeError>(
          "axis", [] { slice(zeros_of({4}), 1, 0, 4); }, "slice: axis out of range: 1 (want -1 to 0 for 1 dimensions)"),
      bad<ShapeError>(
          "scalar", [] { slice(zeros_of({}), 0, 0, 1); }, "slice: the source is [] (want at least one dimension)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return sliced(
        name, {n, n}, [n](const Tensor& x) { return slice(x, 0, 0, n / 2); }, 0, 0, n / 2, 1);
  });
  return row;
}

Row narrow_row() {
  Row row = moving_row("narrow", "length positions of an axis from start", {"slice"});
  row.samples = {sliced(
                     "17", {17}, [](const Tensor& x) { return narrow(x, 0, 3, 9); }, 0, 3, 9, 1),
                 sliced(
                     "columns_3x17", {3, 17}, [](const Tensor& x) { return narrow(x, -1, 5, 7); }, 1, 5, 7, 1),
                 sliced(
                     "whole_5", {5}, [](const Tensor& x) { return narrow(x, 0, 0, 5); }, 0, 0, 5, 1),
                 sliced(
                     "nothing_5", {5}, [](const Tensor& x) { return narrow(x, 0, 5, 0); }, 0, 5, 0, 1),
                 sliced(
                     "empty_0x2", {0, 2}, [](const Tensor& x) { return narrow(x, 0, 0, 0); }, 0, 0, 0, 1)};
  row.bad = {
      bad<ShapeError>(
          "range", [] { narrow(zeros_of({4}), 0, 3, 2); },
          "narrow: 2 positions from 3 of axis 0 in [4] (want them within its 4)"),
      bad<ShapeError>(
          "negative", [] { narrow(zeros_of({4}), 0, -1, 2); },
          "narrow: 2 positions from -1 of axis 0 in [4] (want them within its 4)"),
      bad<ShapeError>(
          "scalar", [] { narrow(zeros_of({}), 0, 0, 1); }, "narrow: the source is [] (want at least one dimension)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return sliced(
        name, {n, n}, [n](const Tensor& x) { return narrow(x, 0, 0, n / 2); }, 0, 0, n / 2, 1);
  });
  return row;
}

Row select_row() {
  Row row = moving_row("select", "one position of an axis, which is dropped", {"slice", "reshape"});
  const auto first = [](std::int64_t at) {
    return [at](const Index& i) {
      Index s = i;
      s.insert(s.begin(), at);
      return s;
    };
  };
  row.samples = {moved(
                     "row_3x17", {3, 17}, [](const Tensor& x) { return select(x, 0, 1); }, {17}, first(1)),
                 moved(
                     "last_row_3x17", {3, 17}, [](const Tensor& x) { return select(x, 0, -1); }, {17}, first(2)),
                 moved(
                     "column_5x4", {5, 4}, [](const Tensor& x) { return select(x, 1, 2); }, {5},
                     [](const Index& i) {
                       return Index{i[0], 2};
                     }),
                 moved(
                     "of_vector_5", {5}, [](const Tensor& x) { return select(x, 0, 4); }, {}, first(4)),
                 moved(
                     "middle_2x3x4", {2, 3, 4}, [](const Tensor& x) { return select(x, -2, 0); }, {2, 4},
                     [](const Index& i) {
                       return Index{i[0], 0, i[1]};
                     }),
                 moved(
                     "empty_row_3x0", {3, 0}, [](const Tensor& x) { return select(x, 0, 1); }, {0}, first(1))};
  row.nonzero_gradients = 0.2;
  row.bad = {
      bad<ShapeError>(
          "index",
          [] {
            select(zeros_of({3, 4}), 0, 3);
          },
          "select: index 3 of axis 0 in [3, 4] (want -3 to 2)"),
      bad<ShapeError>(
          "negative_index",
          [] {
            select(zeros_of({3, 4}), 1, -5);
          },
          "select: index -5 of axis 1 in [3, 4] (want -4 to 3)"),
      bad<ShapeError>(
          "scalar", [] { select(zeros_of({}), 0, 0); }, "select: the source is [] (want at least one dimension)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) {
    return moved(
        name, {n, n}, [](const Tensor& x) { return select(x, 0, 0); }, {n}, first(0));
  });
  return row;
}

/// The gradient of a slice as a function of diff_dst alone.
Sample slice_backward_sample(const char* name, const Shape& shape, int axis, std::int64_t start, std::int64_t length,
                             std::int64_t step) {
  Shape part = shape;
  part[axis] = length;
  Sample sample{name, {{part}}};
  sample.call = [=](std::span<const Tensor> in) {
    const GradMode recording(true);
    const Tensor src = zeros(shape, in[0].dtype()).requires_grad_();
    return grad(std::vector{slice(src, axis, start, start + length * step, step)}, std::vector{src}, std::vector{in[0]},
                {.create_graph = true});
  };
  sample.reference = [=](std::span<const Array> in) {
    Array result(shape);
    std::int64_t i = 0;
    for (Index index : indices(part)) {
      auto& at = index[static_cast<std::size_t>(axis)];
      at = start + at * step;
      result[flat(shape, index)] = in[0][i++];
    }
    return Arrays{result};
  };
  return sample;
}

Row slice_backward_row() {
  Row row = moving_row("slice_backward", "zeros with diff_dst at the positions of the slice");
  row.takes_i64 = false;
  row.samples = {slice_backward_sample("17", {17}, 0, 3, 9, 1), slice_backward_sample("step_3x16", {3, 16}, 1, 1, 5, 3),
                 slice_backward_sample("nothing_5x2", {5, 2}, 0, 4, 0, 1),
                 slice_backward_sample("large_64x1032", {64, 1032}, 1, 1, 515, 2)};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return slice_backward_sample(name, {n, n}, 0, 0, n / 2, 1);
  });
  return row;
}

}  // namespace

std::vector<Row> view_rows() {
  return {reshape_row(),      view_row(),     flatten_row(), squeeze_row(), unsqueeze_row(),
          transpose_row(),    swapaxes_row(), movedim_row(), permute_row(), expand_row(),
          broadcast_to_row(), slice_row(),    narrow_row(),  select_row(),  slice_backward_row()};
}

}  // namespace dagrad::op_table
