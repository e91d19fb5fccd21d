#include <algorithm>
#include <cmath>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/matmul.h"
#include "op_table/inputs.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

/// dst[i, j] += sum_k a[i, k] b[k, j].
void multiply(const double* a, const double* b, double* dst, std::int64_t rows, std::int64_t inner,
              std::int64_t columns) {
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t k = 0; k < inner; ++k) {
      for (std::int64_t j = 0; j < columns; ++j) dst[i * columns + j] += a[i * inner + k] * b[k * columns + j];
    }
  }
}

Shape without_last(Shape shape, int count) {
  for (int i = 0; i < count; ++i) shape.erase(shape.rank() - 1);
  return shape;
}

Arrays product(std::span<const Array> in) {
  Array a = in[0], b = in[1];
  const bool row = a.shape.rank() == 1, column = b.shape.rank() == 1;
  if (row) a.shape.insert(0, 1);
  if (column) b.shape.insert(1, 1);
  const std::int64_t rows = a.shape[a.shape.rank() - 2], inner = a.shape.back(), columns = b.shape.back();
  const Shape batch_a = without_last(a.shape, 2), batch_b = without_last(b.shape, 2),
              batch = broadcast(batch_a, batch_b);
  Array result;
  result.shape = batch;
  if (!row) result.shape.push_back(rows);
  if (!column) result.shape.push_back(columns);
  result.values.assign(static_cast<std::size_t>(count_of(result.shape)), 0.0);
  double* dst = result.values.data();
  for (const Index& index : indices(batch)) {
    multiply(a.values.data() + flat(batch_a, index) * rows * inner,
             b.values.data() + flat(batch_b, index) * inner * columns, dst, rows, inner, columns);
    dst += rows * columns;
  }
  return {result};
}

/// The gradients are products over the other sizes, summed over what was broadcast.
Sample product_sample(const char* name, const Shape& a, const Shape& b) {
  Sample sample{name, {{a}, {b}}};
  const auto rows = static_cast<double>(a.rank() == 1 ? 1 : a[a.rank() - 2]),
             columns = static_cast<double>(b.rank() == 1 ? 1 : b.back());
  sample.roundings = static_cast<double>(a.back());
  const auto batch_of = [](const Shape& shape) {
    return shape.rank() <= 2 ? 1.0 : static_cast<double>(count_of(without_last(shape, 2)));
  };
  const double batch_a = batch_of(a), batch_b = batch_of(b),
               batch = std::max(batch_a, batch_b) * std::min(batch_a, batch_b);
  sample.gradient_roundings = std::max(rows, columns) * std::max(batch, 1.0);
  return sample;
}

Row matmul_row() {
  Row row{.name = "matmul", .formula = "dst[i, j] = sum over k of a[i, k] b[k, j]", .primitive = "matmul"};
  row.covers = {"matmul", "reshape"};
  row.call = call2(matmul);
  row.reference = product;
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  row.exact_on_integers = true;
  const auto& sample = product_sample;
  row.samples = {sample("3x17_17x2", {3, 17}, {17, 2}),
                 sample("square_5x5_5x5", {5, 5}, {5, 5}),
                 sample("one_1x1_1x1", {1, 1}, {1, 1}),
                 sample("inner_1_4x1_1x5", {4, 1}, {1, 5}),
                 sample("outer_1_1x33_33x1", {1, 33}, {33, 1}),
                 sample("vectors_17_17", {17}, {17}),
                 sample("vector_matrix_7_7x5", {7}, {7, 5}),
                 sample("matrix_vector_5x7_7", {5, 7}, {7}),
                 sample("vector_batch_3_2x3x4", {3}, {2, 3, 4}),
                 sample("batch_vector_2x3x4_4", {2, 3, 4}, {4}),
                 sample("batches_2x3x4_2x4x5", {2, 3, 4}, {2, 4, 5}),
                 sample("batch_matrix_2x3x4_4x5", {2, 3, 4}, {4, 5}),
                 sample("matrix_batch_3x4_2x4x5", {3, 4}, {2, 4, 5}),
                 sample("broadcast_2x1x3x4_3x4x2", {2, 1, 3, 4}, {3, 4, 2}),
                 sample("empty_rows_0x3_3x2", {0, 3}, {3, 2}),
                 sample("empty_inner_3x0_0x2", {3, 0}, {0, 2}),
                 sample("empty_batch_0x2x3_0x3x2", {0, 2, 3}, {0, 3, 2}),
                 sample("tail_67x129_129x65", {67, 129}, {129, 65}),
                 sample("tail_33x17_17x31", {33, 17}, {17, 31}),
                 sample("long_inner_16x4099_4099x16", {16, 4099}, {4099, 16}),
                 sample("threads_200x160_160x120", {200, 160}, {160, 120}),
                 sample("matrix_vector_43x331_331", {43, 331}, {331}),
                 sample("large_batch_6x40x33_6x33x20", {6, 40, 33}, {6, 33, 20})};
  row.bad = {bad<ShapeError>(
                 "inner_sizes",
                 [] {
                   matmul(zeros_of({64, 784}), zeros_of({128, 10}));
                 },
                 "matmul: inner sizes differ: a is [64, 784], b is [128, 10] (want b.size(-2) == 784)"),
             bad<ShapeError>(
                 "scalar",
                 [] {
                   matmul(zeros_of({}), zeros_of({2, 2}));
                 },
                 "matmul: a is [], b is [2, 2] (want at least one dimension each; use mul for scalars)"),
             bad<ShapeError>(
                 "vectors", [] { matmul(zeros_of({2}), zeros_of({3})); },
                 "matmul: inner sizes differ: a is [2], b is [3] (want equal sizes)"),
             bad<ShapeError>(
                 "batches",
                 [] {
                   matmul(zeros_of({2, 3, 4}), zeros_of({3, 4, 5}));
                 },
                 "matmul: shapes do not broadcast: [2] and [3] (want equal sizes or 1 at axis -1: got 2 and 3)"),
             bad<DTypeError>(
                 "types",
                 [] {
                   matmul(zeros_of({2, 2}), zeros_of({2, 2}, f64));
                 },
                 "matmul: element types differ: f32 and f64 (want one type; cast with to())"),
             bad<DTypeError>(
                 "i64",
                 [] {
                   matmul(zeros_of({2, 2}, i64), zeros_of({2, 2}, i64));
                 },
                 "matmul: i64 (want f32, bf16 or f64)")};
  row.edges = {{"sum_of_nothing_is_0", {Array({2, 0}), Array({0, 3})}, {Array({2, 3})}, {Array({2, 0}), Array({0, 3})}},
               {"nan_times_0", {Array({1, 2}, {kNan, 1}), Array({2, 1}, {0.0, 1})}, {Array({1, 1}, kNan)}}};
  const auto cube = [&](const char* name, std::int64_t n) {
    return Benchmark{product_sample(name, {n, n}, {n, n}), 2.0 * static_cast<double>(n * n * n)};
  };
  row.benchmarks = {cube("small", 8), cube("medium", 128), cube("large", 1024)};
  return row;
}

Arrays linear_reference(std::span<const Array> in) {
  const Array& src = in[0];
  const Array& weights = in[1];
  const std::int64_t inner = weights.shape[1], outer = weights.shape[0];
  Array result;
  result.shape = src.shape;
  result.shape[result.shape.rank() - 1] = outer;
  const std::int64_t rows = count_of(without_last(src.shape, 1));
  for (std::int64_t n = 0; n < rows; ++n) {
    for (std::int64_t o = 0; o < outer; ++o) {
      double value = in.size() > 2 ? in[2][o] : 0;
      for (std::int64_t i = 0; i < inner; ++i) value += src[n * inner + i] * weights[o * inner + i];
      result.values.push_back(value);
    }
  }
  return {result};
}

Sample linear_sample(const char* name, const Shape& src, std::int64_t outer, bool bias = true) {
  Sample sample{name, {{src}, {{outer, src.back()}}}};
  if (bias) sample.inputs.push_back({{outer}});
  sample.roundings = static_cast<double>(src.back()) + 1;
  sample.gradient_roundings = static_cast<double>(std::max(count_of(without_last(src, 1)), outer));
  return sample;
}

Row linear_row() {
  Row row{.name = "linear", .formula = "src weights^T + bias", .primitive = "matmul"};
  row.call = [](std::span<const Tensor> in) {
    return std::vector{linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor())};
  };
  row.reference = linear_reference;
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  row.exact_on_integers = true;
  row.samples = {linear_sample("3x17_to_2", {3, 17}, 2),
                 linear_sample("without_bias_4x5_to_3", {4, 5}, 3, false),
                 linear_sample("vector_7_to_5", {7}, 5),
                 linear_sample("batch_2x3x4_to_5", {2, 3, 4}, 5),
                 linear_sample("one_1x1_to_1", {1, 1}, 1),
                 linear_sample("no_rows_0x3_to_2", {0, 3}, 2),
                 linear_sample("no_inputs_3x0_to_2", {3, 0}, 2),
                 linear_sample("no_outputs_3x2_to_0", {3, 2}, 0),
                 linear_sample("batch_no_outputs_2x3x4_to_0", {2, 3, 4}, 0),
                 linear_sample("batch_no_inputs_2x3x0_to_2", {2, 3, 0}, 2),
                 linear_sample("tail_67x129_to_65", {67, 129}, 65),
                 linear_sample("threads_200x160_to_120", {200, 160}, 120),
                 linear_sample("many_rows_5000x9_to_3", {5000, 9}, 3),
                 linear_sample("few_outputs_131x517_to_10", {131, 517}, 10),
                 linear_sample("few_rows_3x401_to_71", {3, 401}, 71)};
  row.bad = {bad<ShapeError>(
                 "inner_sizes",
                 [] {
                   linear(zeros_of({64, 784}), zeros_of({10, 128}));
                 },
                 "linear: inner sizes differ: src is [64, 784], weights are [10, 128] (want src.size(-1) == 128)"),
             bad<ShapeError>(
                 "weights",
                 [] {
                   linear(zeros_of({4, 3}), zeros_of({3}));
                 },
                 "linear: weights are [3] (want [out, in])"),
             bad<ShapeError>(
                 "bias",
                 [] {
                   linear(zeros_of({4, 3}), zeros_of({2, 3}), zeros_of({3}));
                 },
                 "linear: bias is [3], weights are [2, 3] (want bias of [2])"),
             bad<ShapeError>(
                 "scalar",
                 [] {
                   linear(zeros_of({}), zeros_of({2, 3}));
                 },
                 "linear: inner sizes differ: src is [], weights are [2, 3] (want src.size(-1) == 3)"),
             bad<DTypeError>(
                 "types",
                 [] {
                   linear(zeros_of({4, 3}), zeros_of({2, 3}, f64));
                 },
                 "linear: element types differ: f32 and f64 (want one type; cast with to())"),
             bad<DTypeError>(
                 "i64",
                 [] {
                   linear(zeros_of({4, 3}, i64), zeros_of({2, 3}, i64));
                 },
                 "linear: i64 (want f32, bf16 or f64)")};
  row.edges = {{"sum_of_nothing_is_the_bias",
                {Array({2, 0}), Array({3, 0}), Array({3}, {1.0, 2, 3})},
                {Array({2, 3}, {1.0, 2, 3, 1, 2, 3})},
                {Array({2, 0}), Array({3, 0}), Array({3}, 2)}}};
  const auto layer = [](const char* name, std::int64_t n, std::int64_t in, std::int64_t out) {
    return Benchmark{linear_sample(name, {n, in}, out), 2.0 * static_cast<double>(n * in * out)};
  };
  row.benchmarks = {layer("small", 1, 16, 16), layer("medium", 64, 784, 256), layer("large", 128, 1024, 1024)};
  return row;
}

/// The gradients of linear's weights and bias, as functions of diff_dst and src.
Arrays linear_backward_weights_reference(std::span<const Array> in) {
  const Array& diff = in[0];
  const Array& src = in[1];
  const std::int64_t outer = diff.shape.back(), inner = src.shape.back(), rows = count_of(without_last(src.shape, 1));
  Array weights(Shape{outer, inner}), bias(Shape{outer});
  for (std::int64_t n = 0; n < rows; ++n) {
    for (std::int64_t o = 0; o < outer; ++o) {
      bias[o] += diff[n * outer + o];
      for (std::int64_t i = 0; i < inner; ++i) weights[o * inner + i] += diff[n * outer + o] * src[n * inner + i];
    }
  }
  return {weights, bias};
}

Sample backward_weights_sample(const char* name, const Shape& src, std::int64_t outer) {
  Shape diff = src;
  diff[diff.rank() - 1] = outer;
  Sample sample{name, {{diff}, {src}}};
  sample.roundings = static_cast<double>(count_of(without_last(src, 1)));
  sample.gradient_roundings = static_cast<double>(std::max(src.back() + 1, outer));
  return sample;
}

Row linear_backward_weights_row() {
  Row row{.name = "linear_backward_weights",
          .formula = "diff_weights = diff_dst^T src, diff_bias = sum of diff_dst over rows",
          .primitive = "matmul"};
  row.call = [](std::span<const Tensor> in) {
    const GradMode recording(true);
    const Tensor weights = zeros({in[0].size(-1), in[1].size(-1)}, in[1].dtype()).requires_grad_();
    const Tensor bias = zeros({in[0].size(-1)}, in[1].dtype()).requires_grad_();
    return grad(std::vector{linear(in[1], weights, bias)}, std::vector{weights, bias}, std::vector{in[0]},
                {.create_graph = true});
  };
  row.reference = linear_backward_weights_reference;
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  row.exact_on_integers = true;
  row.samples = {backward_weights_sample("3x17_to_2", {3, 17}, 2),
                 backward_weights_sample("batch_2x3x4_to_5", {2, 3, 4}, 5),
                 backward_weights_sample("vector_7_to_5", {7}, 5),
                 backward_weights_sample("no_rows_0x3_to_2", {0, 3}, 2),
                 backward_weights_sample("one_1x1_to_1", {1, 1}, 1),
                 backward_weights_sample("tail_67x129_to_65", {67, 129}, 65),
                 backward_weights_sample("threads_600x160_to_120", {600, 160}, 120)};
  row.benchmarks = {{backward_weights_sample("small", {1, 16}, 16)},
                    {backward_weights_sample("medium", {64, 784}, 256), 2.0 * 64 * 784 * 256},
                    {backward_weights_sample("large", {128, 1024}, 1024), 2.0 * 128 * 1024 * 1024}};
  return row;
}

// --- linear with an activation ---

Call fused(Activation activation) {
  return [activation](std::span<const Tensor> in) {
    return std::vector{linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), activation)};
  };
}

/// No activation is steeper than 1.13, bends more than 1, or exceeds its argument and 1: so an error of the sum passes
/// through hardly enlarged, and reaches the gradient times the other factor.
Sample fused_sample(const char* name, const Shape& src, std::int64_t outer, bool bias = true) {
  Sample sample = linear_sample(name, src, outer, bias);
  const double in_sum = sample.roundings, largest_sum = 4 * static_cast<double>(src.back()) + 2;
  sample.roundings += 8;  // of the function itself
  sample.gradient_roundings += 8 + in_sum * largest_sum;
  return sample;
}

Row fused_row(const char* name, const char* formula, std::vector<std::string> covers, Activation activation,
              double (*f)(double), double slope_at_0) {
  Row row = linear_row();
  row.name = name;
  row.formula = formula;
  row.covers = std::move(covers);
  row.call = fused(activation);
  row.reference = [f](std::span<const Array> in) { return Arrays{map(linear_reference(in)[0], f)}; };
  row.terms = [](const Sample&, std::span<const Array> in) {
    return Arrays{map(linear_reference(absolute(in))[0], [](double sum) { return 1.13 * sum + 1; })};
  };
  row.gradient_terms = [](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    Sample plain_sample = sample;
    plain_sample.call = linear_row().call;
    Arrays terms = absolute(gradients(plain_sample, absolute(in), absolute(diff), f64));
    for (Array& array : terms) array = map(array, [](double term) { return 1.13 * term; });
    return terms;
  };
  row.exact_on_integers = activation == Activation::relu;
  row.samples = {fused_sample("3x17_to_2", {3, 17}, 2),
                 fused_sample("without_bias_4x5_to_3", {4, 5}, 3, false),
                 fused_sample("vector_7_to_5", {7}, 5),
                 fused_sample("batch_2x3x4_to_5", {2, 3, 4}, 5),
                 fused_sample("one_1x1_to_1", {1, 1}, 1),
                 fused_sample("no_rows_0x3_to_2", {0, 3}, 2),
                 fused_sample("no_inputs_3x0_to_2", {3, 0}, 2),
                 fused_sample("no_outputs_3x2_to_0", {3, 2}, 0),
                 fused_sample("tail_67x129_to_65", {67, 129}, 65),
                 fused_sample("threads_200x160_to_120", {200, 160}, 120),
                 fused_sample("few_outputs_33x333_to_3", {33, 333}, 3)};
  row.bad = {bad<ShapeError>(
      "inner_sizes",
      [activation] {
        linear(zeros_of({64, 784}), zeros_of({10, 128}), {}, activation);
      },
      "linear: inner sizes differ: src is [64, 784], weights are [10, 128] (want src.size(-1) == 128)")};
  // As many columns as make a vector and a tail, in each of which the special values have to survive.
  constexpr std::int64_t kColumns = 35;
  const std::vector<double> special{kInf, -kInf, kNan, 0};
  const Array src({4, 1}, special), weights({kColumns, 1}, 1), bias({kColumns}, 0);
  Array want({4, kColumns});
  for (std::size_t i = 0; i < special.size(); ++i)
    std::fill_n(want.values.begin() + static_cast<std::ptrdiff_t>(i) * kColumns, kColumns, f(special[i]));
  const Array zero({1, 1}, 0), one({1, 1}, 1), at_zero({1, 1}, f(0));
  row.edges = {{"limits_and_nan", {src, weights, bias}, {want}},
               {"gradient_at_0",
                {zero, one, Array({1}, 0)},
                {at_zero},
                {Array({1, 1}, slope_at_0), zero, Array({1}, slope_at_0)}}};
  const auto layer = [](const char* sample_name, std::int64_t n, std::int64_t in, std::int64_t out) {
    return Benchmark{fused_sample(sample_name, {n, in}, out), 2.0 * static_cast<double>(n * in * out)};
  };
  row.benchmarks = {layer("small", 1, 16, 16), layer("medium", 64, 784, 256), layer("large", 128, 1024, 1024),
                    layer("ten_outputs", 128, 1024, 10), layer("one_row", 1, 1024, 1024)};
  return row;
}

Row linear_relu_row() {
  return fused_row(
      "linear_relu", "max(src weights^T + bias, 0)", {"linear_activation"}, Activation::relu,
      [](double x) { return x > 0 || std::isnan(x) ? x : 0; }, 0);
}

Row linear_tanh_row() {
  return fused_row(
      "linear_tanh", "tanh(src weights^T + bias)", {"linear_activation"}, Activation::tanh,
      [](double x) { return std::tanh(x); }, 1);
}

Row linear_sigmoid_row() {
  return fused_row(
      "linear_sigmoid", "sigmoid(src weights^T + bias)", {"linear_activation"}, Activation::sigmoid,
      [](double x) { return 1 / (1 + std::exp(-x)); }, 0.25);
}

Row linear_gelu_row() {
  Row row = fused_row(
      "linear_gelu", "gelu(src weights^T + bias)", {"linear_gelu"}, Activation::gelu,
      [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }, 0.5);
  row.bf16_roundings = 1;  // the sum
  return row;
}

}  // namespace

std::vector<Row> matmul_rows() {
  return {matmul_row(),         linear_row(),     linear_backward_weights_row(), linear_relu_row(), linear_tanh_row(),
          linear_sigmoid_row(), linear_gelu_row()};
}

}  // namespace dagrad::op_table
