#include "op_table/op_table.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "op_table/families.h"
#include "op_table/inputs.h"

namespace dagrad::op_table {
namespace {

/// Hands down from the row what a sample leaves open.
void complete(const Row& row, Sample& sample) {
  if (!sample.call) sample.call = row.call;
  if (!sample.reference) sample.reference = row.reference;
  if (sample.roundings < 0) sample.roundings = row.roundings;
  if (sample.gradient_roundings < 0) sample.gradient_roundings = row.gradient_roundings;
  if (sample.bf16_roundings < 0) sample.bf16_roundings = row.bf16_roundings;
}

/// Each array filled with its largest finite absolute value.
Arrays largest(Arrays arrays) {
  for (Array& array : arrays) {
    double most = 0;
    for (const double value : array.values) most = std::isfinite(value) ? std::max(most, std::fabs(value)) : most;
    std::fill(array.values.begin(), array.values.end(), most);
  }
  return arrays;
}

std::vector<Row> collect() {
  std::vector<Row> all;
  for (const auto& family :
       {gradient_rows, elementwise_rows,   math_rows,        arithmetic_rows, number_rows,    trigonometry_rows,
        special_rows,  activation_rows,    comparison_rows,  reduction_rows,  view_rows,      split_rows,
        copy_rows,     matmul_rows,        softmax_rows,     dropout_rows,    extremum_rows,  statistics_rows,
        scan_rows,     order_rows,         arrangement_rows, product_rows,    diagonal_rows,  indexing_rows,
        loss_rows,     normalization_rows, convolution_rows, pooling_rows,    recurrent_rows, attention_rows,
        fused_rows,    interpolate_rows,   meshgrid_rows,    counting_rows,   sampling_rows}) {
    for (Row& row : family()) all.push_back(std::move(row));
  }
  for (Row& row : all) {
    for (Sample& sample : row.samples) complete(row, sample);
    for (Benchmark& benchmark : row.benchmarks) complete(row, benchmark.sample);
    for (Edge& edge : row.edges) {
      if (!edge.call) edge.call = row.call;
    }
  }
  return all;
}

}  // namespace

const std::vector<Row>& rows() {
  static const std::vector<Row> all = collect();
  return all;
}

std::int64_t Sample::input_elements() const {
  std::int64_t total = 0;
  for (const Input& input : inputs) total += count_of(input.shape);
  return total;
}

std::string detail::check_error(const std::function<void()>& action,
                                const std::function<bool(const std::exception&)>& right_kind,
                                const std::string& message) {
  try {
    action();
  } catch (const std::exception& error) {
    if (!right_kind(error)) return fmt::format("threw another kind of exception: {}", error.what());
    if (error.what() != message) return fmt::format("said: {}\nwant: {}", error.what(), message);
    return {};
  }
  return fmt::format("threw nothing\nwant: {}", message);
}

Call call1(Tensor (*f)(const Tensor&, Location)) {
  return [f](std::span<const Tensor> in) { return std::vector{f(in[0], Location::current())}; };
}

Call call2(Tensor (*f)(const Tensor&, const Tensor&, Location)) {
  return [f](std::span<const Tensor> in) { return std::vector{f(in[0], in[1], Location::current())}; };
}

Call gradient_of(Call call, std::size_t input) {
  return [call = std::move(call), input](std::span<const Tensor> in) {
    const GradMode recording(true);
    std::vector<Tensor> inputs(in.begin() + 1, in.end());
    if (!inputs[input].requires_grad()) inputs[input] = inputs[input].detach().requires_grad_();
    const std::vector<Tensor> outputs = call(inputs);
    return grad(outputs, std::vector{inputs[input]}, std::vector{in[0]}, {.create_graph = true});
  };
}

Arrays at_absolute_values(const Sample& sample, std::span<const Array> inputs) {
  return sample.reference(absolute(inputs));
}

Arrays gradients_at_absolute_values(const Sample& sample, std::span<const Array> inputs, std::span<const Array> diff) {
  return absolute(gradients(sample, absolute(inputs), absolute(diff), f64));
}

Arrays by_largest(const Sample& sample, std::span<const Array> inputs) { return largest(sample.reference(inputs)); }

Arrays gradients_by_largest(const Sample& sample, std::span<const Array> inputs, std::span<const Array> diff) {
  return largest(gradients(sample, inputs, diff, f64));
}

double broadcast_terms(const std::vector<Input>& inputs) {
  Shape shape;
  for (const Input& input : inputs) shape = broadcast(shape, input.shape);
  double most = 1;
  for (const Input& input : inputs) {
    if (count_of(input.shape) > 0)
      most = std::max(most, static_cast<double>(count_of(shape)) / static_cast<double>(count_of(input.shape)));
  }
  return most;
}

Tensor zeros_of(const Shape& shape, DType dtype) { return zeros(shape, dtype); }

}  // namespace dagrad::op_table
