// The ops of ops/view.h that copy.
#include <cmath>

#include "dagrad/ops/view.h"
#include "op_table/moving.h"

namespace dagrad::op_table {
namespace {

/// `stacked` puts a new axis in place of lengthening the old one.
Sample joined(const char* name, const std::vector<Shape>& shapes, int axis, bool stacked) {
  Sample sample{name, {}};
  for (const Shape& shape : shapes) sample.inputs.push_back({shape});
  sample.call = [=](std::span<const Tensor> in) {
    const std::vector<Tensor> parts(in.begin(), in.end());
    return std::vector{stacked ? stack(parts, axis) : cat(parts, axis)};
  };
  sample.reference = [=](std::span<const Array> in) {
    Shape shape = in[0].shape;
    if (stacked) shape.insert(axis, 1);
    shape[axis] = 0;
    for (const Array& part : in) shape[axis] += stacked ? 1 : part.shape[axis];
    Array result(shape);
    std::int64_t i = 0;
    for (Index index : indices(shape)) {
      const auto at = static_cast<std::size_t>(axis);
      std::size_t part = 0;
      if (stacked) {
        part = static_cast<std::size_t>(index[at]);
        index.erase(index.begin() + axis);
      } else {
        while (index[at] >= in[part].shape[axis]) index[at] -= in[part++].shape[axis];
      }
      result[i++] = in[part][flat(in[part].shape, index)];
    }
    return Arrays{result};
  };
  return sample;
}

Row cat_row() {
  Row row = moving_row("cat", "tensors one after the other along an axis");
  row.samples = {joined("rows_2x3_4x3", {{2, 3}, {4, 3}}, 0, false),
                 joined("columns_3x2_3x5_3x1", {{3, 2}, {3, 5}, {3, 1}}, 1, false),
                 joined("middle_2x3x4_2x1x4", {{2, 3, 4}, {2, 1, 4}}, 1, false),
                 joined("vectors_17_33", {{17}, {33}}, 0, false),
                 joined("same_3_3", {{3}, {3}}, 0, false),
                 joined("alone_3x4", {{3, 4}}, 0, false),
                 joined("with_empty_0x3_2x3", {{0, 3}, {2, 3}}, 0, false),
                 joined("large_64x1031_64x17", {{64, 1031}, {64, 17}}, 1, false)};
  row.bad = {bad<UsageError>(
                 "none", [] { cat({}); }, "cat: no tensors (want at least one)"),
             bad<ShapeError>(
                 "scalars",
                 [] {
                   cat({zeros_of({}), zeros_of({})});
                 },
                 "cat: part 0 is [] (want at least one dimension; use stack)"),
             bad<ShapeError>(
                 "sizes",
                 [] {
                   cat({zeros_of({2, 3}), zeros_of({2, 4})});
                 },
                 "cat: part 1 is [2, 4], part 0 is [2, 3] (want equal sizes but along axis 0)"),
             bad<ShapeError>(
                 "ranks",
                 [] {
                   cat({zeros_of({2, 3}), zeros_of({2})}, 1);
                 },
                 "cat: part 1 is [2], part 0 is [2, 3] (want equal sizes but along axis 1)"),
             bad<DTypeError>(
                 "types",
                 [] {
                   cat({zeros_of({2}), zeros_of({2}, f64)});
                 },
                 "cat: element types differ: part 0 is f32, part 1 is f64 (want one type)"),
             bad<ShapeError>(
                 "axis", [] { cat({zeros_of({2})}, 1); }, "cat: axis out of range: 1 (want -1 to 0 for 1 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return joined(name, {{n, n}, {n, n}}, 0, false);
  });
  return row;
}

Row stack_row() {
  Row row = moving_row("stack", "tensors one after the other along a new axis", {"reshape", "cat"});
  row.samples = {joined("scalars", {{}, {}, {}}, 0, true), joined("rows_17_17", {{17}, {17}}, 0, true),
                 joined("columns_5_5_5", {{5}, {5}, {5}}, 1, true), joined("middle_2x3_2x3", {{2, 3}, {2, 3}}, 1, true),
                 joined("empty_0_0", {{0}, {0}}, 0, true)};
  row.bad = {
      bad<UsageError>(
          "none", [] { stack({}); }, "stack: no tensors (want at least one)"),
      bad<ShapeError>(
          "sizes",
          [] {
            stack({zeros_of({2}), zeros_of({3})});
          },
          "stack: part 1 is [3], part 0 is [2] (want equal shapes)"),
      bad<ShapeError>(
          "axis", [] { stack({zeros_of({2})}, 2); }, "stack: axis out of range: 2 (want -2 to 1 for 2 dimensions)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return joined(name, {{n, n}, {n, n}}, 0, true);
  });
  return row;
}

std::vector<Sample> same_samples(const View& f) {
  return {reshaped("scalar", {}, f, {}),
          reshaped("one", {1}, f, {1}),
          reshaped("empty_0x3", {0, 3}, f, {0, 3}),
          reshaped("tail_67", {67}, f, {67}),
          reshaped("2x3x4", {2, 3, 4}, f, {2, 3, 4}),
          reshaped("large_64x1031", {64, 1031}, f, {64, 1031})};
}

Row contiguous_row() {
  const auto f = [](const Tensor& x) { return contiguous(x); };
  Row row = moving_row("contiguous", "x, row-major");
  row.samples = same_samples(f);
  row.samples.push_back(moved(
      "transposed_3x17", {3, 17}, [](const Tensor& x) { return contiguous(transpose(x)); }, {17, 3},
      [](const Index& i) { return swapped(i, 0, 1); }));
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return moved(
        name, {n, n}, [](const Tensor& x) { return contiguous(transpose(x)); }, {n, n},
        [](const Index& i) { return swapped(i, 0, 1); });
  });
  return row;
}

Row channels_last_row() {
  const auto f = [](const Tensor& x) { return channels_last(x); };
  Row row = moving_row("channels_last", "x, its channels side by side in memory", {"contiguous"});
  row.samples = {reshaped("2x3x4", {2, 3, 4}, f, {2, 3, 4}),
                 reshaped("2x3x5x7", {2, 3, 5, 7}, f, {2, 3, 5, 7}),
                 reshaped("2x3x2x3x2", {2, 3, 2, 3, 2}, f, {2, 3, 2, 3, 2}),
                 reshaped("one_channel", {2, 1, 3, 3}, f, {2, 1, 3, 3}),
                 reshaped("empty_0x3x4x4", {0, 3, 4, 4}, f, {0, 3, 4, 4}),
                 reshaped("large_4x33x31x17", {4, 33, 31, 17}, f, {4, 33, 31, 17})};
  row.bad = {bad<ShapeError>(
      "matrix",
      [] {
        channels_last(zeros_of({2, 3}));
      },
      "channels_last: [2, 3] (want [N, C, spatial...] with 1 to 3 spatial axes)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) {
    return reshaped(name, {n / 8, 8, n / 4, 4}, f, {n / 8, 8, n / 4, 4});
  });
  return row;
}

Row clone_row() {
  const auto f = [](const Tensor& x) { return clone(x); };
  Row row = moving_row("clone", "a copy of x", {"contiguous"});
  row.samples = same_samples(f);
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) {
    return reshaped(name, {n, n}, f, {n, n});
  });
  return row;
}

// --- casts ---

Row cast_row(const char* name, const char* formula, const View& f, double (*reference)(double)) {
  Row row{.name = name, .formula = formula, .covers = {"cast"}};
  row.reference = [reference](std::span<const Array> in) { return Arrays{map(in[0], reference)}; };
  row.samples = same_samples(f);
  for (Sample& sample : row.samples) sample.reference = row.reference;
  row.call = row.samples[0].call;
  row.benchmarks = moving_benchmarks([=](const char* size, std::int64_t n) {
    return reshaped(size, {n, n}, f, {n, n});
  });
  return row;
}

DType other_precision(DType dtype) { return dtype == f64 ? f32 : f64; }

/// To bf16 by way of its definition: 8 significant bits, halves to even.
double rounded_to_bf16(double x) {
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  return std::ldexp(std::nearbyint(fraction * 256), exponent - 8);
}

Row cast_float_row() {
  Row row = cast_row(
      "cast_to_other_precision", "x of f32 as f64, of f64 as f32",
      [](const Tensor& x) { return to(x, other_precision(x.dtype())); }, [](double x) { return x; });
  row.result_type = other_precision;
  row.no_gradcheck = "a cast rounds, so that finite differences see steps";
  row.edges = {{"infinite_and_nan", {Array({3}, {kInf, -kInf, kNan})}, {Array({3}, {kInf, -kInf, kNan})}}};
  return row;
}

Row cast_bf16_row() {
  Row row = cast_row(
      "cast_to_bf16", "x as bf16, rounded to nearest even", [](const Tensor& x) { return to(x, bf16); },
      rounded_to_bf16);
  row.result_type = [](DType) { return bf16; };
  row.no_gradcheck = "a cast rounds, so that finite differences see steps";
  row.gradient_roundings = 0;  // diff_dst is of bf16, and widening it is exact
  row.edges = {{"halves_to_even",
                {Array({5}, {1 + 0x1p-8, 1 + 3 * 0x1p-8, kInf, kNan, 3.3e38})},
                {Array({5}, {1, 1 + 2 * 0x1p-7, kInf, kNan, 3.3e38 > 0 ? rounded_to_bf16(3.3e38) : 0})}}};
  return row;
}

Row cast_i64_row() {
  Row row = cast_row(
      "cast_to_i64", "x without its fraction", [](const Tensor& x) { return to(x, i64); },
      [](double x) { return std::trunc(x); });
  row.orders = 0;
  row.result_type = [](DType) { return i64; };
  row.edges = {{"truncates", {Array({4}, {1.75, -1.75, 0.25, -0.0})}, {Array({4}, {1.0, -1, 0, 0})}}};
  return row;
}

Row cast_bool_row() {
  Row row = cast_row(
      "cast_to_bool", "whether x is not 0", [](const Tensor& x) { return to(x, boolean); },
      [](double x) { return x != 0 ? 1.0 : 0.0; });
  row.orders = 0;
  row.exact_on_integers = row.takes_i64 = true;
  row.result_type = [](DType) { return boolean; };
  row.edges = {{"nan_and_zeros", {Array({4}, {std::nan(""), 0, -0.0, 0.5})}, {Array({4}, {1.0, 0, 0, 1})}}};
  return row;
}

}  // namespace

std::vector<Row> copy_rows() {
  return {cat_row(),        stack_row(),     contiguous_row(), channels_last_row(), clone_row(),
          cast_float_row(), cast_bf16_row(), cast_i64_row(),   cast_bool_row()};
}

}  // namespace dagrad::op_table
