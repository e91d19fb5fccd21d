#include <cmath>

#include "dagrad/ops/ops.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

// fused() takes functions; the row's is tanh(x w + b), w with as many elements as x or one.

constexpr FusedOptions kAlways{.min_elements = 2};  // small samples too go through the program

Tensor gate(const Tensor& x, const Tensor& w, const Tensor& b) { return tanh(x * w + b); }

double at(const Array& a, std::int64_t i) { return a.size() == 1 ? a[0] : a[i]; }

Arrays gates(std::span<const Array> in) {
  Array result(in[0].shape);
  for (std::int64_t i = 0; i < count_of(result.shape); ++i)
    result[i] = std::tanh(in[0][i] * at(in[1], i) + at(in[2], i));
  return {result};
}

/// An error of x w + b comes through tanh at most as it is.
Arrays gate_terms(const Sample&, std::span<const Array> in) {
  Array terms(in[0].shape);
  for (std::int64_t i = 0; i < count_of(terms.shape); ++i)
    terms[i] = std::fabs(in[0][i] * at(in[1], i)) + std::fabs(at(in[2], i)) + 1;
  return {terms};
}

/// diff (1 - y^2) times the other factor, with the error of y; for one element the sum of them.
Arrays gate_gradient_terms(const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
  const Array terms = gate_terms(sample, in)[0];
  Arrays result;
  for (std::size_t k = 0; k < 3; ++k) {
    result.emplace_back(in[k].shape);
    for (std::int64_t i = 0; i < count_of(terms.shape); ++i) {
      const double factor = k == 0 ? at(in[1], i) : k == 1 ? in[0][i] : 1;
      result[k][in[k].size() == 1 ? 0 : i] += std::fabs(diff[0][i] * factor) * (1 + 2 * terms[i]);
    }
  }
  return result;
}

Sample gate_sample(const char* name, const Shape& shape, bool one_weight = false) {
  Sample sample{name, {{shape}, {one_weight ? Shape{1} : shape}, {shape}}};
  sample.gradient_roundings = one_weight ? 16 + static_cast<double>(count_of(shape)) : 16;
  return sample;
}

Row fused_row() {
  Row row{.name = "fused", .formula = "function(inputs...), here tanh(x w + b)"};
  row.shapes = "as the function has them; inputs with as many elements as the largest or one";
  row.gradient = "the function's";
  row.call = [](std::span<const Tensor> in) {
    return std::vector{fused(gate, std::vector(in.begin(), in.end()), kAlways)};
  };
  row.reference = gates;
  row.terms = gate_terms;
  row.roundings = 8;
  row.bf16_roundings = 12;  // op by op, and y squared and multiplied twice in the gradient
  row.gradient_terms = gate_gradient_terms;
  row.samples = {gate_sample("scalar", {}),
                 gate_sample("one", {1}),
                 gate_sample("empty_0x3", {0, 3}),
                 gate_sample("vector_7", {7}),
                 gate_sample("matrix_3x5", {3, 5}),
                 gate_sample("one_weight_2x3x4", {2, 3, 4}, true),
                 gate_sample("tail_1031", {1031}),
                 gate_sample("threads_200003", {200003}),
                 gate_sample("threads_one_weight_300x701", {300, 701}, true)};
  row.bad = {bad<ShapeError>(
      "misfit",
      [] {
        fused(gate, zeros_of({2, 3}), zeros_of({4}), zeros_of({2, 3}));
      },
      "mul: shapes do not broadcast: [2, 3] and [4] (want equal sizes or 1 at axis -1: got 3 and 4)")};
  row.benchmarks = {};
  for (const auto& [name, n] : {std::pair{"small", 1 << 10}, {"medium", 1 << 16}, {"large", 1 << 22}})
    row.benchmarks.push_back({gate_sample(name, {n})});
  return row;
}

}  // namespace

std::vector<Row> fused_rows() { return {fused_row()}; }

}  // namespace dagrad::op_table
