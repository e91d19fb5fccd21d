#include <algorithm>
#include <array>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/arrangement.h"
#include "dagrad/ops/pad.h"
#include "op_table/moving.h"

namespace dagrad::op_table {
namespace {

Sample flipped(const char* name, const Shape& shape, const std::vector<std::int64_t>& axes) {
  return moved(
      name, shape, [axes](const Tensor& x) { return flip(x, axes); }, shape,
      [=](Index i) {
        for (const std::int64_t axis : axes) {
          const auto at = static_cast<std::size_t>(axis < 0 ? axis + shape.rank() : axis);
          i[at] = shape[static_cast<int>(at)] - 1 - i[at];
        }
        return i;
      });
}

Row flip_row() {
  Row row = moving_row("flip", "the elements in opposite order along axes");
  row.samples = {flipped("17", {17}, {0}),
                 flipped("rows_3x4", {3, 4}, {0}),
                 flipped("both_3x4", {3, 4}, {0, -1}),
                 flipped("middle_2x5x3", {2, 5, 3}, {1}),
                 flipped("nothing_3x4", {3, 4}, {}),
                 flipped("one_1", {1}, {0}),
                 flipped("scalar", {}, {}),
                 flipped("empty_0x3", {0, 3}, {0}),
                 flipped("large_64x1031", {64, 1031}, {1})};
  row.bad = {bad<ShapeError>(
                 "axis",
                 [] {
                   flip(zeros_of({2, 3}), {2});
                 },
                 "flip: axis out of range: 2 (want -2 to 1 for 2 dimensions)"),
             bad<ShapeError>(
                 "repeat",
                 [] {
                   flip(zeros_of({2, 3}), {0, -2});
                 },
                 "flip: axis 0 is named twice (want each once)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) { return flipped(name, {n, n}, {1}); });
  return row;
}

Sample rolled(const char* name, const Shape& shape, const std::vector<std::int64_t>& shifts,
              const std::vector<std::int64_t>& axes) {
  return moved(
      name, shape, [=](const Tensor& x) { return roll(x, shifts, axes); }, shape,
      [=](Index i) {
        for (std::size_t k = 0; k < axes.size(); ++k) {
          const auto at = static_cast<std::size_t>(axes[k] < 0 ? axes[k] + shape.rank() : axes[k]);
          const std::int64_t size = shape[static_cast<int>(at)];
          i[at] = ((i[at] - shifts[k]) % size + size) % size;
        }
        return i;
      });
}

Row roll_row() {
  Row row = moving_row("roll", "dst[(i + shift) mod n] = src[i]");
  const Sample flat_roll = moved(
      "flat_3x4_by_5", {3, 4}, [](const Tensor& x) { return roll(x, 5); }, {3, 4},
      [](const Index& i) {
        const std::int64_t from = (i[0] * 4 + i[1] + 7) % 12;
        return Index{from / 4, from % 4};
      });
  row.samples = {rolled("17_by_3", {17}, {3}, {0}),
                 rolled("17_by_minus_40", {17}, {-40}, {0}),
                 rolled("both_3x5", {3, 5}, {1, -2}, {0, 1}),
                 rolled("twice_5x2", {5, 2}, {1, 2}, {0, -2}),
                 rolled("middle_2x5x3", {2, 5, 3}, {2}, {1}),
                 rolled("by_0_4", {4}, {0}, {0}),
                 rolled("by_its_size_4", {4}, {4}, {0}),
                 flat_roll,
                 moved(
                     "scalar", {}, [](const Tensor& x) { return roll(x, 1); }, {}, [](const Index& i) { return i; }),
                 rolled("empty_0x3", {0, 3}, {1}, {0}),
                 rolled("large_64x1031", {64, 1031}, {5, 100}, {0, 1})};
  row.bad = {bad<ShapeError>(
                 "count",
                 [] {
                   roll(zeros_of({2, 3}), {1, 1}, std::vector<std::int64_t>{0});
                 },
                 "roll: 2 shifts for 1 axes (want one each)"),
             bad<ShapeError>(
                 "axis",
                 [] {
                   roll(zeros_of({2, 3}), 1, 2);
                 },
                 "roll: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return rolled(name, {n, n}, {n / 3}, {1});
  });
  return row;
}

// --- repeats ---

double largest_ratio(const Shape& to_shape, const Shape& from) {
  return static_cast<double>(count_of(to_shape)) / static_cast<double>(std::max<std::int64_t>(count_of(from), 1));
}

Sample repeated(const char* name, const Shape& from, const View& view, const Shape& to_shape, const From& source) {
  Sample sample = moved(name, from, view, to_shape, source);
  sample.gradient_roundings = largest_ratio(to_shape, from);
  return sample;
}

Sample tiled(const char* name, const Shape& from, const std::vector<std::int64_t>& times, bool by_repeat,
             const Shape& to_shape) {
  const View view = [=](const Tensor& x) { return by_repeat ? repeat(x, times) : tile(x, times); };
  return repeated(name, from, view, to_shape, [from](const Index& i) {
    const std::size_t lead = i.size() - from.size();
    Index at(from.size());
    for (std::size_t k = 0; k < at.size(); ++k) at[k] = i[k + lead] % from[static_cast<int>(k)];
    return at;
  });
}

Row repeats(const char* name, const char* formula) {
  Row row = moving_row(name, formula, {"repeat"});
  row.gradient_terms = gradients_at_absolute_values;
  return row;
}

Row tile_row() {
  Row row = repeats("tile", "the tensor times[i] times along each axis, the last numbers for the last axes");
  row.samples = {tiled("last_3x4", {3, 4}, {2}, false, {3, 8}),
                 tiled("both_3x4", {3, 4}, {2, 3}, false, {6, 12}),
                 tiled("new_axes_5", {5}, {2, 1, 3}, false, {2, 1, 15}),
                 tiled("none_3x4", {3, 4}, {}, false, {3, 4}),
                 tiled("never_5", {5}, {0}, false, {0}),
                 tiled("scalar", {}, {3}, false, {3}),
                 tiled("empty_0x2", {0, 2}, {2, 2}, false, {0, 4})};
  row.bad = {bad<ShapeError>(
      "negative",
      [] {
        tile(zeros_of({2, 3}), {1, -1});
      },
      "tile: [1, -1] times (want none below 0)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return tiled(name, {n / 2, n / 2}, {2, 2}, false, {n, n});
  });
  return row;
}

Row repeat_row() {
  Row row = repeats("repeat", "the tensor times[i] times along each axis");
  row.samples = {tiled("both_3x4", {3, 4}, {2, 3}, true, {6, 12}),
                 tiled("middle_2x3x2", {2, 3, 2}, {1, 4, 1}, true, {2, 12, 2}),
                 tiled("new_axis_3x1", {3, 1}, {2, 1, 5}, true, {2, 3, 5}),
                 tiled("once_17", {17}, {1}, true, {17}),
                 tiled("scalar", {}, {}, true, {}),
                 tiled("empty_0x2", {0, 2}, {2, 3}, true, {0, 6}),
                 tiled("large_64x257", {64, 257}, {1, 5}, true, {64, 1285})};
  row.bad = {bad<ShapeError>(
                 "count",
                 [] {
                   repeat(zeros_of({2, 3}), {2});
                 },
                 "repeat: 1 numbers for [2, 3] (want one for each of its 2 axes, or more for new axes in front)"),
             bad<ShapeError>(
                 "negative", [] { repeat(zeros_of({2}), {-2}); }, "repeat: [-2] times (want none below 0)"),
             bad<ShapeError>(
                 "too_large", [] { repeat(zeros_of({2}), {std::int64_t{1} << 62}); },
                 "repeat: too large: [2, 4611686018427387904] (the size in bytes must fit 63 bits)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return tiled(name, {1, n}, {n, 1}, true, {n, n});
  });
  return row;
}

Row repeat_interleave_row() {
  Row row = repeats("repeat_interleave", "each position of an axis so many times in a row");
  const auto along = [](const char* name, const Shape& from, std::int64_t times, int axis) {
    Shape to_shape = from;
    to_shape[axis] *= times;
    return repeated(
        name, from, [=](const Tensor& x) { return repeat_interleave(x, times, axis); }, to_shape,
        [=](Index i) {
          i[static_cast<std::size_t>(axis)] /= times;
          return i;
        });
  };
  row.samples = {along("17_by_3", {17}, 3, 0),
                 along("rows_3x4_by_2", {3, 4}, 2, 0),
                 along("middle_2x3x2_by_4", {2, 3, 2}, 4, 1),
                 along("never_3", {3}, 0, 0),
                 along("empty_0x3_by_2", {0, 3}, 2, 1),
                 repeated(
                     "flat_3x2_by_2", {3, 2}, [](const Tensor& x) { return repeat_interleave(x, 2); }, {12},
                     [](const Index& i) {
                       return Index{i[0] / 4, i[0] / 2 % 2};
                     }),
                 repeated(
                     "scalar_by_3", {}, [](const Tensor& x) { return repeat_interleave(x, 3, 0); }, {3},
                     [](const Index&) { return Index{}; }),
                 along("large_64x257_by_5", {64, 257}, 5, 1)};
  row.bad = {bad<ShapeError>(
                 "negative", [] { repeat_interleave(zeros_of({2}), -1, 0); },
                 "repeat_interleave: -1 times (want none below 0)"),
             bad<ShapeError>(
                 "axis", [] { repeat_interleave(zeros_of({2}), 1, 1); },
                 "repeat_interleave: axis out of range: 1 (want -1 to 0 for 1 dimensions)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) { return along(name, {n, n / 2}, 2, 1); });
  return row;
}

Row repeat_interleave_counts_row() {
  Row row = repeats("repeat_interleave_counts", "position i of an axis counts[i] times in a row");
  row.covers = {"index_select"};
  const auto along = [](const char* name, const Shape& from, const std::vector<std::int64_t>& counts, int axis) {
    std::vector<std::int64_t> sources;
    for (std::int64_t i = 0; i < from[axis]; ++i)
      sources.insert(sources.end(),
                     static_cast<std::size_t>(counts[counts.size() == 1 ? 0 : static_cast<std::size_t>(i)]), i);
    Shape to_shape = from;
    to_shape[axis] = static_cast<std::int64_t>(sources.size());
    const Tensor times = tensor(counts, {static_cast<std::int64_t>(counts.size())});
    return repeated(
        name, from, [=](const Tensor& x) { return repeat_interleave(x, times, axis); }, to_shape,
        [=](Index i) {
          std::int64_t& at = i[static_cast<std::size_t>(axis)];
          at = sources[static_cast<std::size_t>(at)];
          return i;
        });
  };
  row.samples = {
      along("vector_5", {5}, {2, 0, 1, 3, 1}, 0),
      along("columns_3x4", {3, 4}, {1, 0, 4, 2}, 1),
      along("one_count_for_all_2x3", {2, 3}, {2}, 1),
      along("never_3", {3}, {0, 0, 0}, 0),
      along("empty_0x3", {0, 3}, {1, 2, 3}, 1),
      repeated(
          "flat_2x2", {2, 2},
          [](const Tensor& x) {
            return repeat_interleave(x, tensor({1, 2, 0, 1}, i64));
          },
          {4},
          [](const Index& i) {
            const std::int64_t from = std::array<std::int64_t, 4>{0, 1, 1, 3}[static_cast<std::size_t>(i[0])];
            return Index{from / 2, from % 2};
          }),
      along("large_64x257", {64, 257}, {3}, 1)};
  row.bad = {bad<UsageError>(
                 "negative",
                 [] {
                   repeat_interleave(zeros_of({2}), tensor({1, -1}, i64), 0);
                 },
                 "repeat_interleave: counts[1] is -1 (want none below 0)"),
             bad<ShapeError>(
                 "shape",
                 [] {
                   repeat_interleave(zeros_of({2, 3}), tensor({1, 2}, i64), 1);
                 },
                 "repeat_interleave: counts are [2] for an axis of size 3 (want [3] or [1])"),
             bad<DTypeError>(
                 "type", [] { repeat_interleave(zeros_of({2}), zeros_of({2}), 0); },
                 "repeat_interleave: counts are f32 (want i64)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) { return along(name, {n, n / 2}, {2}, 1); });
  return row;
}

// --- pad ---

/// The position in an axis of `size` elements that stands at `i`, which may lie outside; -1: none.
std::int64_t inside(std::int64_t i, std::int64_t size, PadMode mode) {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case PadMode::reflect: return i < 0 ? -i : 2 * (size - 1) - i;
    case PadMode::replicate: return i < 0 ? 0 : size - 1;
    case PadMode::circular: return i < 0 ? i + size : i - size;
    default: return -1;
  }
}

struct Padding {
  std::vector<std::int64_t> pads;
  PadMode mode = PadMode::constant;
  double value = 0;

  Shape shape_of(Shape shape) const {
    for (std::size_t k = 0; k < pads.size(); ++k) shape[shape.rank() - 1 - static_cast<int>(k / 2)] += pads[k];
    return shape;
  }
  /// Where the element at `index` of the result comes from; empty: from nowhere. A scalar's is where it is.
  bool source(Index& index, const Shape& from) const {
    for (std::size_t k = 0; k < pads.size() / 2; ++k) {
      std::int64_t& i = index[index.size() - 1 - k];
      i = inside(i - pads[2 * k], from[from.rank() - 1 - static_cast<int>(k)], mode);
      if (i < 0) return false;
    }
    return true;
  }
};

Sample padded(const char* name, const Shape& from, const Padding& padding) {
  Sample sample{name, {{from}}};
  sample.call = [=](std::span<const Tensor> in) {
    return std::vector{pad(in[0], padding.pads, padding.mode, padding.value)};
  };
  sample.reference = [=](std::span<const Array> in) {
    Array result(padding.shape_of(from), padding.value);
    std::int64_t i = 0;
    for (Index index : indices(result.shape)) {
      if (padding.source(index, from)) result[i] = in[0][flat(from, index)];
      ++i;
    }
    return Arrays{result};
  };
  // An axis adds both of its pads to an element at most (replicate: all of them).
  double copies = 1;
  for (std::size_t k = 0; k < padding.pads.size() && padding.mode != PadMode::constant; k += 2) {
    const auto both = static_cast<double>(std::max<std::int64_t>(padding.pads[k], 0) +
                                          std::max<std::int64_t>(padding.pads[k + 1], 0));
    copies *= 1 + (padding.mode == PadMode::replicate ? both : 2);
  }
  sample.gradient_roundings = padding.mode == PadMode::constant ? 0 : copies;
  return sample;
}

Row pad_row() {
  Row row = moving_row("pad", "src with a border that is constant, reflected, replicated or circular");
  row.gradient_terms = gradients_at_absolute_values;
  row.samples = {padded("constant_17", {17}, {{2, 3}, PadMode::constant, 7}),
                 padded("constant_3x4", {3, 4}, {{1, 0, 2, 1}}),
                 padded("constant_first_axis_2x3x2", {2, 3, 2}, {{0, 0, 0, 0, 1, 2}, PadMode::constant, -1}),
                 padded("constant_image_1x2x3x4", {1, 2, 3, 4}, {{1, 1, 1, 1}}),
                 padded("crop_5x6", {5, 6}, {{-1, -2, -2, 0}}),
                 padded("crop_and_grow_5x6", {5, 6}, {{-2, 3, 1, -4}, PadMode::constant, 3}),
                 padded("crop_all_4", {4}, {{-2, -2}}),
                 padded("nothing_3x4", {3, 4}, {{}}),
                 padded("by_0_3x4", {3, 4}, {{0, 0}}),
                 padded("scalar", {}, {{}}),
                 padded("empty_0x2", {0, 2}, {{1, 0, 2, 1}, PadMode::constant, 5}),
                 padded("reflect_17", {17}, {{4, 3}, PadMode::reflect}),
                 padded("reflect_3x4", {3, 4}, {{3, 1, 1, 2}, PadMode::reflect}),
                 padded("reflect_and_crop_6", {6}, {{3, -4}, PadMode::reflect}),
                 padded("reflect_batch_2x2x3x3", {2, 2, 3, 3}, {{1, 1, 2, 2}, PadMode::reflect}),
                 padded("reflect_no_rows_0x3", {0, 3}, {{1, 1}, PadMode::reflect}),
                 padded("replicate_5", {5}, {{3, 2}, PadMode::replicate}),
                 padded("replicate_2x1x3", {2, 1, 3}, {{1, 2, 3, 0, 0, 1}, PadMode::replicate}),
                 padded("replicate_and_crop_4x3", {4, 3}, {{-1, 2, 2, -3}, PadMode::replicate}),
                 padded("circular_17", {17}, {{4, 5}, PadMode::circular}),
                 padded("circular_by_all_3x4", {3, 4}, {{4, 4, 3, 2}, PadMode::circular}),
                 padded("large_reflect_4x3x65x67", {4, 3, 65, 67}, {{2, 3, 1, 1}, PadMode::reflect}),
                 padded("large_constant_4x3x65x67", {4, 3, 65, 67}, {{2, 3, 1, 1}, PadMode::constant, 1})};
  row.bad = {bad<ShapeError>(
                 "odd",
                 [] {
                   pad(zeros_of({2, 3}), {1, 2, 3});
                 },
                 "pad: 3 pads for [2, 3] (want two for an axis, from the last on, and at most 4)"),
             bad<ShapeError>(
                 "too_many",
                 [] {
                   pad(zeros_of({2}), {1, 1, 1, 1});
                 },
                 "pad: 4 pads for [2] (want two for an axis, from the last on, and at most 2)"),
             bad<ShapeError>(
                 "crop",
                 [] {
                   pad(zeros_of({2, 3}), {-2, -2});
                 },
                 "pad: -2 and -2 at axis 1 of [2, 3] (want at most 3 cropped)"),
             bad<ShapeError>(
                 "reflect",
                 [] {
                   pad(zeros_of({2, 3}), {1, 3}, PadMode::reflect);
                 },
                 "pad: reflect by 3 at axis 1 of [2, 3] (want less than its size 3)"),
             bad<ShapeError>(
                 "circular",
                 [] {
                   pad(zeros_of({2, 3}), {0, 0, 3, 0}, PadMode::circular);
                 },
                 "pad: circular by 3 at axis 0 of [2, 3] (want at most its size 2)"),
             bad<ShapeError>(
                 "replicate",
                 [] {
                   pad(zeros_of({2, 0}), {1, 0}, PadMode::replicate);
                 },
                 "pad: replicate by 1 at axis 1 of [2, 0] (want an element to repeat)")};
  const auto image = [](const char* name, std::int64_t n, std::int64_t size) {
    return Benchmark{padded(name, {n, 8, size, size}, {{1, 1, 1, 1}})};
  };
  row.benchmarks = {image("small", 1, 4), image("medium", 4, 32), image("large", 16, 128)};
  return row;
}

/// The gradient of pad as a function of diff_dst alone.
Sample pad_backward_sample(const char* name, const Shape& shape, const Padding& padding) {
  Sample sample{name, {{padding.shape_of(shape)}}};
  sample.call = [=](std::span<const Tensor> in) {
    const GradMode recording(true);
    const Tensor src = zeros(shape, in[0].dtype()).requires_grad_();
    return grad(std::vector{pad(src, padding.pads, padding.mode)}, std::vector{src}, std::vector{in[0]},
                {.create_graph = true});
  };
  sample.reference = [=](std::span<const Array> in) {
    Array result(shape);
    std::int64_t i = 0;
    for (Index index : indices(in[0].shape)) {
      padding.source(index, shape);
      result[flat(shape, index)] += in[0][i++];
    }
    return Arrays{result};
  };
  sample.roundings = padded(name, shape, padding).gradient_roundings;
  return sample;
}

Row pad_backward_row() {
  Row row = moving_row("pad_backward", "diff_dst with each element of the border added to what it repeats");
  row.takes_i64 = false;
  row.terms = at_absolute_values;
  row.samples = {pad_backward_sample("reflect_17", {17}, {{4, 3}, PadMode::reflect}),
                 pad_backward_sample("reflect_3x4", {3, 4}, {{3, 1, 1, 2}, PadMode::reflect}),
                 pad_backward_sample("replicate_2x1x3", {2, 1, 3}, {{1, 2, 3, 0}, PadMode::replicate}),
                 pad_backward_sample("circular_3x4", {3, 4}, {{4, 4, 3, 2}, PadMode::circular}),
                 pad_backward_sample("empty_0x3", {0, 3}, {{1, 1}, PadMode::reflect}),
                 pad_backward_sample("large_4x3x65x67", {4, 3, 65, 67}, {{2, 3, 1, 1}, PadMode::reflect})};
  const auto image = [](const char* name, std::int64_t n, std::int64_t size) {
    return Benchmark{pad_backward_sample(name, {n, 8, size, size}, {{1, 1, 1, 1}, PadMode::reflect})};
  };
  row.benchmarks = {image("small", 1, 4), image("medium", 4, 32), image("large", 16, 128)};
  return row;
}

}  // namespace

std::vector<Row> arrangement_rows() {
  return {
      flip_row(), roll_row(),        tile_row(), repeat_row(), repeat_interleave_row(), repeat_interleave_counts_row(),
      pad_row(),  pad_backward_row()};
}

}  // namespace dagrad::op_table
