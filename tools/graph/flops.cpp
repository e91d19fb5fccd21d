#include "tools/graph/flops.h"

#include <algorithm>
#include <string_view>

namespace dagrad::tools {
namespace {

double count(const Shape& shape, int first = 0) {
  double product = 1;
  for (int i = first; i < shape.rank(); ++i) product *= static_cast<double>(shape[i]);
  return product;
}

/// The shape of input `i`, when it requires a gradient.
const Shape* input_shape(const Node& node, std::size_t i) {
  if (i >= node.edges().size() || !node.edges()[i].node) return nullptr;
  return &node.edges()[i].node->outputs()[node.edges()[i].output].shape;
}

/// How many products are added up in each element of the result.
double inner_size(const Node& node) {
  const std::string_view name = node.name();
  const Shape* const a = input_shape(node, 0);
  const Shape* const b = input_shape(node, 1);
  const bool is_linear = name == "linear" || name == "linear_activation" || name == "linear_gelu";
  if (is_linear && b != nullptr) return static_cast<double>((*b)[1]);  // [out, in]
  if (is_linear || name == "matmul") {
    if (a != nullptr) return static_cast<double>((*a)[a->rank() - 1]);
    if (b != nullptr) return static_cast<double>((*b)[b->rank() - 2]);
  }
  if (name == "convolution" && b != nullptr) return count(*b, 1);  // [C_out, C_in / groups, kernel...]
  return 0;
}

bool is_recurrent(std::string_view name) { return name == "lstm_layer" || name == "gru_layer" || name == "rnn_layer"; }

/// How many of the two factors need a gradient.
double needed_factors(const Node& node) {
  double needed = 0;
  for (std::size_t i = 0; i < 2; ++i) needed += input_shape(node, i) != nullptr ? 1 : 0;
  return needed;
}

}  // namespace

double forward_flops(const Node& node) {
  if (node.is_leaf() || node.outputs().empty()) return 0;
  const Shape& result = node.outputs()[0].shape;
  if (is_recurrent(node.name())) {
    // [T, N, H]: each weight matrix is used once at each step of each sequence.
    double weights = 0;
    for (std::size_t i = 0; i < node.edges().size(); ++i) {
      const Shape* const shape = input_shape(node, i);
      if (shape != nullptr && shape->rank() == 2 && node.edges()[i].node->is_leaf()) weights += count(*shape);
    }
    return result.rank() == 3 ? 2 * weights * static_cast<double>(result[0]) * static_cast<double>(result[1]) : 0;
  }
  if (node.name() == "convolution_backward_data") {
    // A transposed convolution: every element of its input meets every weight of its channel.
    const Shape* const x = input_shape(node, 0);
    const Shape* const w = input_shape(node, 1);
    return x != nullptr && w != nullptr ? 2 * count(*x) * count(*w, 1) : 0;
  }
  return 2 * count(result) * inner_size(node);
}

double backward_flops(const Node& node) {
  return forward_flops(node) * (is_recurrent(node.name()) ? 2 : needed_factors(node));
}

double forward_flops(const Graph& graph) {
  double total = 0;
  for (Graph::Vertex v = 0; v < graph.size(); ++v) total += forward_flops(graph.node(v));
  return total;
}

double backward_flops(const Graph& graph) {
  double total = 0;
  for (Graph::Vertex v = 0; v < graph.size(); ++v) total += backward_flops(graph.node(v));
  return total;
}

}  // namespace dagrad::tools
