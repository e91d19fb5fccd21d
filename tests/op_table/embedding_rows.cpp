#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/embedding.h"
#include "dagrad/ops/view.h"
#include "op_table/indexing.h"

namespace dagrad::op_table {
namespace {

struct Table {
  const char* name;
  std::int64_t rows, columns;
  Shape index;
  std::optional<std::int64_t> padding = {};

  Shape weights() const { return {rows, columns}; }
  Shape result() const {
    Shape shape = index;
    shape.push_back(columns);
    return shape;
  }
  EmbeddingOptions options() const { return {.padding_idx = padding}; }
  std::int64_t padding_row() const { return !padding ? -1 : *padding < 0 ? *padding + rows : *padding; }
};

const std::vector<Table>& tables() {
  static const std::vector<Table> list{{"scalar_index_3x5", 3, 5, {}},
                                       {"one_1x1", 1, 1, {1}},
                                       {"7x5_by_4", 7, 5, {4}},
                                       {"6x3_by_2x5", 6, 3, {2, 5}},
                                       {"padding_4x3_by_3x4", 4, 3, {3, 4}, 1},
                                       {"padding_from_the_end_4x3", 4, 3, {7}, -2},
                                       {"no_indices_5x3", 5, 3, {0}},
                                       {"no_columns_5x0", 5, 0, {4}},
                                       {"threads_300x257_by_40x17", 300, 257, {40, 17}},
                                       {"threads_padding_50x130_by_2000", 50, 130, {2000}, 7}};
  return list;
}

std::vector<Benchmark> benchmarks(const std::function<Sample(const Table&)>& sample) {
  return {{sample({"small", 16, 8, {4}})},
          {sample({"medium", 1000, 64, {128}})},
          {sample({"large", 20000, 512, {64, 128}})}};
}

/// The row of the padding has a value but no gradient, which finite differences do not know: it is left to the edges.
Sample embedding_sample(const Table& t) {
  Sample sample{t.name, {{t.weights()}, index_input(t.index, t.padding ? t.padding_row() : t.rows)}};
  sample.call = [t](std::span<const Tensor> in) { return std::vector{embedding(in[0], in[1], t.options())}; };
  sample.reference = [t](std::span<const Array> in) {
    Array result(t.result());
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(result.size()); ++i)
      result[i] = in[0][static_cast<std::int64_t>(in[1][i / t.columns]) * t.columns + i % t.columns];
    return Arrays{result};
  };
  sample.gradient_roundings = static_cast<double>(count_of(t.index));
  return sample;
}

Row embedding_row() {
  Row row = picking_row("embedding", "weights[index[...], :]");
  for (const Table& t : tables()) row.samples.push_back(embedding_sample(t));
  row.bad = {
      bad<UsageError>(
          "too_large",
          [] {
            embedding(zeros_of({3, 2}), tensor({0, 1, 3, 0}, {2, 2}, i64));
          },
          "embedding: index out of range: 3 at position [1, 0] (want 0 to 2 for axis 0 of [3, 2])"),
      bad<UsageError>(
          "negative",
          [] {
            embedding(zeros_of({3, 2}), tensor({-1}, i64));
          },
          "embedding: index out of range: -1 at position 0 (want 0 to 2 for axis 0 of [3, 2])"),
      bad<UsageError>(
          "padding",
          [] {
            embedding(zeros_of({3, 2}), tensor({1}, i64), {.padding_idx = 3});
          },
          "embedding: padding_idx is 3 (want -3 to 2, or none)"),
      bad<ShapeError>(
          "weights", [] { embedding(zeros_of({3}), tensor({1}, i64)); }, "embedding: weights are [3] (want [V, D])"),
      bad<DTypeError>(
          "index_type",
          [] {
            embedding(zeros_of({3, 2}), zeros_of({1}));
          },
          "embedding: index is f32 (want i64)")};
  const auto padded = [](std::int64_t padding) {
    return [padding](std::span<const Tensor> in) {
      return std::vector{embedding(in[0], to(in[1], i64), {.padding_idx = padding})};
    };
  };
  const Array weights({3, 2}, {1.0, 2, 3, 4, 5, 6}), index({4}, {2.0, 1, 2, 1});
  const Array want({4, 2}, {5.0, 6, 3, 4, 5, 6, 3, 4});
  row.edges = {{"padding_has_a_value_and_no_gradient",
                {weights, index},
                {want},
                {Array({3, 2}, {0.0, 0, 2, 2, 0, 0}), Array({4})},
                padded(2)},
               {"padding_from_the_end",
                {weights, index},
                {want},
                {Array({3, 2}, {0.0, 0, 0, 0, 2, 2}), Array({4})},
                padded(-2)}};
  row.benchmarks = benchmarks(embedding_sample);
  return row;
}

/// Of diff_dst, the index, and weights that do not matter.
Sample embedding_backward_sample(const Table& t) {
  Sample sample{t.name, {{t.result()}, index_input(t.index, t.rows)}};
  sample.call = [t](std::span<const Tensor> in) {
    const GradMode recording(true);
    const Tensor weights = zeros(t.weights(), in[0].dtype()).requires_grad_();
    return grad(std::vector{embedding(weights, in[1], t.options())}, std::vector{weights}, std::vector{in[0]},
                {.create_graph = true});
  };
  sample.reference = [t](std::span<const Array> in) {
    Array result(t.weights());
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(in[0].size()); ++i) {
      const auto row = static_cast<std::int64_t>(in[1][i / t.columns]);
      if (row != t.padding_row()) result[row * t.columns + i % t.columns] += in[0][i];
    }
    return Arrays{result};
  };
  sample.roundings = static_cast<double>(count_of(t.index));
  return sample;
}

Row embedding_backward_row() {
  Row row =
      adding_row("embedding_backward", "sum of diff_dst[p, :] over p with index[p] = v, in row v; 0 for padding_idx");
  row.takes_i64 = false;
  for (const Table& t : tables()) row.samples.push_back(embedding_backward_sample(t));
  row.benchmarks = benchmarks(embedding_backward_sample);
  return row;
}

Sample one_hot_sample(const char* name, const Shape& index, std::int64_t classes) {
  Sample sample{name, {index_input(index, classes)}};
  sample.call = [classes](std::span<const Tensor> in) { return std::vector{one_hot(in[0], classes)}; };
  sample.reference = [classes](std::span<const Array> in) {
    Shape shape = in[0].shape;
    shape.push_back(classes);
    Array result(shape);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(result.size()); ++i)
      result[i] = static_cast<double>(i % classes) == in[0][i / classes] ? 1 : 0;
    return Arrays{result};
  };
  return sample;
}

Row one_hot_row() {
  Row row{.name = "one_hot", .formula = "1 where c is index[...], else 0, for c in 0 ... classes - 1"};
  row.orders = 0;
  row.result_type = [](DType) { return f32; };
  row.exact_on_integers = true;
  row.samples = {one_hot_sample("scalar", {}, 3),      one_hot_sample("one_class", {4}, 1),
                 one_hot_sample("17_of_5", {17}, 5),   one_hot_sample("2x3_of_7", {2, 3}, 7),
                 one_hot_sample("no_indices", {0}, 4), one_hot_sample("large_3000_of_33", {3000}, 33)};
  row.bad = {
      bad<UsageError>(
          "too_large",
          [] {
            one_hot(tensor({0, 3}, i64), 3);
          },
          "one_hot: index out of range: 3 at position 1 (want 0 to 2)"),
      bad<UsageError>(
          "negative",
          [] {
            one_hot(tensor({2, -1}, i64));
          },
          "one_hot: index out of range: -1 at position 1 (want 0 to 2)"),
      bad<UsageError>(
          "no_classes", [] { one_hot(tensor({0}, i64), 0); },
          "one_hot: index out of range: 0 at position 0 (want none: there are 0 classes)"),
      bad<UsageError>(
          "negative_classes", [] { one_hot(tensor({0}, i64), -2); }, "one_hot: classes is -2 (want at least 0, or -1)"),
      bad<UsageError>(
          "unknown_classes", [] { one_hot(zeros_of({0}, i64)); },
          "one_hot: no indices in [0] to count the classes by (want classes to be given)"),
      bad<DTypeError>(
          "index_type", [] { one_hot(zeros_of({2})); }, "one_hot: index is f32 (want i64)")};
  row.edges = {
      {"classes_by_the_largest",
       {Array({2}, {0.0, 2})},
       {Array({2, 3}, {1.0, 0, 0, 0, 0, 1})},
       {},
       [](std::span<const Tensor> in) { return std::vector{one_hot(to(in[0], i64))}; }},
      {"as_another_type", {Array({2}, {1.0, 0})}, {Array({2, 2}, {0.0, 1, 1, 0})}, {}, [](std::span<const Tensor> in) {
         return std::vector{one_hot(to(in[0], i64), 2, in[0].dtype())};
       }}};
  row.benchmarks = {{one_hot_sample("small", {8}, 10)},
                    {one_hot_sample("medium", {128}, 100)},
                    {one_hot_sample("large", {4096}, 1000)}};
  return row;
}

}  // namespace

std::vector<Row> embedding_rows() { return {embedding_row(), embedding_backward_row(), one_hot_row()}; }

}  // namespace dagrad::op_table
