// The recorded graph as a Boost.Graph model. For analysis and drawing; running a backward does not go through it.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <functional>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "dagrad/core/node.h"

namespace dagrad {

/// What a vertex knows: the node it stands for.
struct GraphVertex {
  const Node* node = nullptr;
};

/// What an edge knows: output `output` of its source goes into input `input` of its target.
struct GraphEdge {
  std::uint32_t output = 0;
  std::uint32_t input = 0;
};

/// A snapshot of all that some tensors were computed from. Vertices are nodes, numbered from 0 in the order of their
/// recording, so that every edge goes from a lower to a higher number; edges run with the data, from what produced a
/// tensor to what used it (twice used, twice there). It keeps the nodes alive. Any algorithm of Boost.Graph runs on
/// model(). Built and walked without recursion: a chain of a million ops is no special case.
class Graph {
 public:
  using Model = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, GraphVertex, GraphEdge>;
  using Vertex = boost::graph_traits<Model>::vertex_descriptor;

  /// Throws GradientError when an output has no history.
  explicit Graph(std::span<const Tensor> outputs);
  explicit Graph(const Tensor& output) : Graph(std::span(&output, 1)) {}

  const Model& model() const { return model_; }
  std::size_t size() const { return boost::num_vertices(model_); }
  const Node& node(Vertex v) const { return *model_[v].node; }
  const NodePointer& pointer(Vertex v) const { return nodes_[v]; }
  /// Whether `t` was produced in it.
  bool contains(const Tensor& t) const;
  /// The vertex that produced `t`. Throws UsageError when it is not in the graph.
  Vertex vertex_of(const Tensor& t) const;

  /// The number of edges on the longest path.
  std::size_t depth() const;
  /// The path whose vertices weigh most, from its source to its sink.
  std::vector<Vertex> critical_path(const std::function<double(const Node&)>& weight) const;
  /// All vertices that `from` leads to, and all that lead to `to`; both include the vertex itself, in order.
  std::vector<Vertex> descendants(Vertex from) const;
  std::vector<Vertex> ancestors(Vertex to) const;
  bool reaches(Vertex from, Vertex to) const;
  /// Vertices without edges into them (leaves, mostly), and without edges out of them.
  std::vector<Vertex> sources() const;
  std::vector<Vertex> sinks() const;

  /// How often each op was recorded.
  std::map<std::string, std::size_t> op_counts() const;
  /// Bytes of the tensors that the nodes keep for the backward, each storage once.
  std::size_t saved_bytes() const;

 private:
  Model model_;
  std::vector<NodePointer> nodes_;  // by vertex
};

/// The graph in Graphviz' dot language: leaves as boxes under their names, ops under theirs with attributes and result
/// shapes, edges with the shape of the tensor. Render with `dot -Tsvg`.
void write_graphviz(std::ostream& out, const Graph& graph);

}  // namespace dagrad
