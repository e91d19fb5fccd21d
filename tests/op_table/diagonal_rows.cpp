#include <algorithm>

#include "dagrad/ops/diagonal.h"
#include "op_table/moving.h"

namespace dagrad::op_table {
namespace {

/// The sizes of the two axes and how they are named.
struct Line {
  std::int64_t offset = 0;
  int axis1 = 0, axis2 = 1;

  std::int64_t row() const { return std::max<std::int64_t>(-offset, 0); }
  std::int64_t column() const { return std::max<std::int64_t>(offset, 0); }
  std::int64_t length(const Shape& shape) const {
    return std::max<std::int64_t>(std::min(shape[axis1] - row(), shape[axis2] - column()), 0);
  }
  Shape shape_of(Shape shape) const {
    const std::int64_t n = length(shape);
    shape.erase(std::max(axis1, axis2));
    shape.erase(std::min(axis1, axis2));
    shape.push_back(n);
    return shape;
  }
  /// Where an element of the diagonals stands.
  Index source(Index index) const {
    const std::int64_t i = index.back();
    index.pop_back();
    for (const int axis : {std::min(axis1, axis2), std::max(axis1, axis2)})
      index.insert(index.begin() + axis, i + (axis == axis1 ? row() : column()));
    return index;
  }
};

Sample diagonal_sample(const char* name, const Shape& from, const Line& line) {
  return moved(
      name, from, [=](const Tensor& x) { return diagonal(x, line.offset, line.axis1, line.axis2); },
      line.shape_of(from), [=](const Index& index) { return line.source(index); });
}

Row diagonal_row() {
  Row row = moving_row("diagonal", "the elements with column - row = offset");
  row.nonzero_gradients = 0.05;
  row.samples = {diagonal_sample("5x5", {5, 5}, {}),
                 diagonal_sample("above_3x7", {3, 7}, {.offset = 2}),
                 diagonal_sample("below_5x3", {5, 3}, {.offset = -1}),
                 diagonal_sample("batch_2x3x4", {2, 3, 4}, {0, 1, 2}),
                 diagonal_sample("outer_axes_3x2x4", {3, 2, 4}, {1, 0, 2}),
                 diagonal_sample("axes_turned_3x4", {3, 4}, {1, 1, 0}),
                 diagonal_sample("corner_4x4", {4, 4}, {.offset = 3}),
                 diagonal_sample("beyond_3x3", {3, 3}, {.offset = 5}),
                 diagonal_sample("one_1x1", {1, 1}, {}),
                 diagonal_sample("empty_0x3", {0, 3}, {}),
                 diagonal_sample("large_3x67x129", {3, 67, 129}, {7, 1, 2})};
  row.bad = {
      bad<ShapeError>(
          "axis", [] { diagonal(zeros_of({3})); }, "diagonal: axis out of range: 1 (want -1 to 0 for 1 dimensions)"),
      bad<ShapeError>(
          "same",
          [] {
            diagonal(zeros_of({3, 3}), 0, 1, -1);
          },
          "diagonal: axes 1 and -1 are the same (want two)")};
  row.benchmarks = moving_benchmarks([](const char* name, std::int64_t n) {
    return diagonal_sample(name, {n, n}, {});
  });
  return row;
}

/// Zeros of `to_shape` with the input on a diagonal.
Sample embedded(const char* name, const Shape& from, const View& view, const Shape& to_shape, const Line& line) {
  Sample sample{name, {{from}}};
  sample.call = [view](std::span<const Tensor> in) { return std::vector{view(in[0])}; };
  sample.reference = [=](std::span<const Array> in) {
    Array result(to_shape);
    std::int64_t i = 0;
    for (const Index& index : indices(from)) result[flat(to_shape, line.source(index))] = in[0][i++];
    return Arrays{result};
  };
  return sample;
}

Row diag_embed_row() {
  Row row = moving_row("diag_embed", "matrices of zeros with the last axis on a diagonal");
  const auto sample = [](const char* name, const Shape& from, const Shape& to_shape, const Line& line) {
    return embedded(
        name, from, [=](const Tensor& x) { return diag_embed(x, line.offset, line.axis1, line.axis2); }, to_shape,
        line);
  };
  row.samples = {sample("5", {5}, {5, 5}, {}),
                 sample("above_3", {3}, {5, 5}, {.offset = 2}),
                 sample("below_3", {3}, {4, 4}, {.offset = -1}),
                 sample("batch_2x3", {2, 3}, {2, 3, 3}, {0, 1, 2}),
                 sample("outer_axes_2x3", {2, 3}, {4, 2, 4}, {1, 0, 2}),
                 sample("axes_turned_3", {3}, {4, 4}, {1, 1, 0}),
                 sample("empty_0", {0}, {0, 0}, {}),
                 sample("large_3x129", {3, 129}, {3, 129, 129}, {0, 1, 2})};
  row.bad = {
      bad<ShapeError>(
          "scalar", [] { diag_embed(zeros_of({})); }, "diag_embed: the source is [] (want at least one dimension)"),
      bad<ShapeError>(
          "same", [] { diag_embed(zeros_of({3}), 0, 1, 1); }, "diag_embed: axes 1 and 1 are the same (want two)"),
      bad<ShapeError>(
          "offset", [] { diag_embed(zeros_of({3}), std::int64_t{1} << 40); },
          "diag_embed: offset is 1099511627776 (want -2147483648 to 2147483648)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) { return sample(name, {n}, {n, n}, {}); });
  return row;
}

Row diag_row() {
  Row row = moving_row("diag", "a vector as a diagonal, or a matrix's diagonal", {"diagonal", "diag_embed"});
  row.nonzero_gradients = 0.05;
  const auto of_matrix = [](const char* name, const Shape& from, std::int64_t offset) {
    Sample sample = diagonal_sample(name, from, {.offset = offset});
    sample.call = [=](std::span<const Tensor> in) { return std::vector{diag(in[0], offset)}; };
    return sample;
  };
  const auto of_vector = [](const char* name, std::int64_t n, std::int64_t offset) {
    const std::int64_t size = n + std::abs(offset);
    return embedded(name, {n}, [=](const Tensor& x) { return diag(x, offset); }, {size, size}, {.offset = offset});
  };
  row.samples = {
      of_matrix("matrix_4x4", {4, 4}, 0), of_matrix("matrix_3x5_below", {3, 5}, -1), of_vector("vector_4", 4, 0),
      of_vector("vector_3_above", 3, 1),  of_matrix("empty_matrix_0x3", {0, 3}, 0),  of_vector("empty_vector_0", 0, 1)};
  row.bad = {bad<ShapeError>(
                 "scalar", [] { diag(zeros_of({})); }, "diag: the source is [] (want one or two dimensions)"),
             bad<ShapeError>(
                 "three",
                 [] {
                   diag(zeros_of({2, 2, 2}));
                 },
                 "diag: the source is [2, 2, 2] (want one or two dimensions)")};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) { return of_vector(name, n, 0); });
  return row;
}

Row trace_row() {
  Row row{.name = "trace", .formula = "sum of src[i, i]", .composite = true};
  row.call = call1(trace);
  row.reference = [](std::span<const Array> in) {
    Array result(Shape{});
    const std::int64_t columns = in[0].shape[1];
    for (std::int64_t i = 0; i < std::min(in[0].shape[0], columns); ++i) result[0] += in[0][i * columns + i];
    return Arrays{result};
  };
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  row.exact_on_integers = row.takes_i64 = true;
  row.nonzero_gradients = 0.005;
  const auto sample = [](const char* name, std::int64_t rows, std::int64_t columns) {
    Sample result{name, {{{rows, columns}}}};
    result.roundings = static_cast<double>(std::min(rows, columns));
    return result;
  };
  row.samples = {sample("5x5", 5, 5), sample("3x7", 3, 7), sample("one_1x1", 1, 1), sample("empty_0x3", 0, 3),
                 sample("large_129x131", 129, 131)};
  row.bad = {bad<ShapeError>(
      "vector", [] { trace(zeros_of({3})); }, "trace: the source is [3] (want a matrix)")};
  row.edges = {{"of_nothing_is_0", {Array({0, 0})}, {Array(Shape{})}, {Array({0, 0})}}};
  row.benchmarks = {{sample("small", 8, 8)}, {sample("medium", 128, 128)}, {sample("large", 2048, 2048)}};
  return row;
}

Sample triangle_sample(const char* name, const Shape& shape, std::int64_t offset, bool upper) {
  Sample sample{name, {{shape}}};
  sample.call = [=](std::span<const Tensor> in) {
    return std::vector{upper ? triu(in[0], offset) : tril(in[0], offset)};
  };
  sample.reference = [=](std::span<const Array> in) {
    Array result(shape);
    std::int64_t n = 0;
    for (const Index& index : indices(shape)) {
      const std::int64_t at = index[index.size() - 1] - index[index.size() - 2];
      if (upper ? at >= offset : at <= offset) result[n] = in[0][n];
      ++n;
    }
    return Arrays{result};
  };
  return sample;
}

Row triangle_row(bool upper) {
  Row row = upper ? moving_row("triu", "src where column - row >= offset, else 0")
                  : moving_row("tril", "src where column - row <= offset, else 0");
  row.call = call1(+[](const Tensor& x, Location where) { return triu(x, 0, where); });
  if (!upper) row.call = call1(+[](const Tensor& x, Location where) { return tril(x, 0, where); });
  row.nonzero_gradients = 0.2;
  const auto sample = [=](const char* name, const Shape& shape, std::int64_t offset) {
    return triangle_sample(name, shape, offset, upper);
  };
  row.samples = {sample("5x5", {5, 5}, 0),
                 sample("above_3x7", {3, 7}, 1),
                 sample("below_5x3", {5, 3}, -1),
                 sample("batch_2x3x4", {2, 3, 4}, 0),
                 sample("all_4x4", {4, 4}, upper ? -100 : 100),
                 sample("one_1x1", {1, 1}, 0),
                 sample("empty_0x3", {0, 3}, 0),
                 sample("large_3x167x259", {3, 167, 259}, 5)};
  row.bad = {bad<ShapeError>(
      "vector", [=] { upper ? triu(zeros_of({3})) : tril(zeros_of({3})); },
      std::string(row.name) + ": the source is [3] (want at least two dimensions)")};
  const Array src({2, 2}, {1, upper ? 2 : kNan, upper ? kNan : 3, 4});
  const Array want({2, 2}, {1, upper ? 2.0 : 0, upper ? 0 : 3.0, 4});
  const Array mask({2, 2}, {1, upper ? 1.0 : 0, upper ? 0 : 1.0, 1});
  row.edges = {{"nan_beyond_the_triangle_becomes_0", {src}, {want}, {mask}}};
  row.benchmarks = moving_benchmarks([=](const char* name, std::int64_t n) { return sample(name, {n, n}, 0); });
  return row;
}

}  // namespace

std::vector<Row> diagonal_rows() {
  return {diagonal_row(), diag_embed_row(), diag_row(), trace_row(), triangle_row(true), triangle_row(false)};
}

}  // namespace dagrad::op_table
