#include "dagrad/core/graph.h"

#include <algorithm>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/graph/reverse_graph.hpp>
#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>

#include "dagrad/core/error.h"

namespace dagrad {
namespace {

/// The vertices that a breadth-first search from `start` meets, in order.
template <class Model>
std::vector<Graph::Vertex> reached_from(const Model& model, Graph::Vertex start) {
  std::vector<boost::default_color_type> colors(boost::num_vertices(model), boost::white_color);
  boost::queue<Graph::Vertex> queue;
  boost::breadth_first_visit(model, start, queue, boost::default_bfs_visitor(), colors.data());
  std::vector<Graph::Vertex> result;
  for (Graph::Vertex v = 0; v < colors.size(); ++v) {
    if (colors[v] != boost::white_color) result.push_back(v);
  }
  return result;
}

}  // namespace

Graph::Graph(std::span<const Tensor> outputs) {
  std::unordered_set<const Node*> seen;
  const auto visit = [&](const NodePointer& node) {
    if (node && seen.insert(node.get()).second) nodes_.push_back(node);
  };
  for (const Tensor& output : outputs) {
    if (!output.requires_grad())
      throw GradientError(fmt::format("Graph: a tensor of shape {} has no history (want the result of recorded ops)",
                                      output.shape().str()));
    visit(output.node());
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const NodePointer node = nodes_[i];
    for (const Edge& edge : node->edges()) visit(edge.node);
  }
  std::sort(nodes_.begin(), nodes_.end(),
            [](const NodePointer& a, const NodePointer& b) { return a->sequence() < b->sequence(); });
  std::unordered_map<const Node*, Vertex> numbers;
  for (const NodePointer& node : nodes_) numbers.emplace(node.get(), boost::add_vertex({node.get()}, model_));
  for (Vertex v = 0; v < nodes_.size(); ++v) {
    const std::span<const Edge> edges = nodes_[v]->edges();
    for (std::uint32_t i = 0; i < edges.size(); ++i) {
      if (edges[i].node) boost::add_edge(numbers.at(edges[i].node.get()), v, {edges[i].output, i}, model_);
    }
  }
}

bool Graph::contains(const Tensor& t) const {
  return t.requires_grad() && std::find(nodes_.begin(), nodes_.end(), t.node()) != nodes_.end();
}

Graph::Vertex Graph::vertex_of(const Tensor& t) const {
  const auto found = std::find(nodes_.begin(), nodes_.end(), t.node());
  if (!t.requires_grad() || found == nodes_.end())
    throw UsageError(fmt::format("Graph: the tensor of shape {} is not part of it", t.shape().str()));
  return static_cast<Vertex>(found - nodes_.begin());
}

std::size_t Graph::depth() const {
  const std::vector<Vertex> path = critical_path([](const Node&) { return 1.0; });
  return path.empty() ? 0 : path.size() - 1;
}

std::vector<Graph::Vertex> Graph::critical_path(const std::function<double(const Node&)>& weight) const {
  // Vertices are in topological order by number, so one sweep finds the heaviest path to each.
  std::vector<double> best(size());
  std::vector<Vertex> before(size());
  for (Vertex v = 0; v < size(); ++v) {
    before[v] = v;
    for (const auto& edge : boost::make_iterator_range(boost::in_edges(v, model_))) {
      const Vertex u = boost::source(edge, model_);
      if (before[v] == v || best[u] > best[before[v]]) before[v] = u;
    }
    best[v] = weight(node(v)) + (before[v] == v ? 0 : best[before[v]]);
  }
  std::vector<Vertex> path;
  if (size() == 0) return path;
  auto v = static_cast<Vertex>(std::max_element(best.begin(), best.end()) - best.begin());
  for (;; v = before[v]) {
    path.push_back(v);
    if (before[v] == v) break;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<Graph::Vertex> Graph::descendants(Vertex from) const { return reached_from(model_, from); }
std::vector<Graph::Vertex> Graph::ancestors(Vertex to) const {
  return reached_from(boost::make_reverse_graph(model_), to);
}

bool Graph::reaches(Vertex from, Vertex to) const {
  const std::vector<Vertex> found = descendants(from);
  return std::binary_search(found.begin(), found.end(), to);
}

std::vector<Graph::Vertex> Graph::sources() const {
  std::vector<Vertex> result;
  for (Vertex v = 0; v < size(); ++v) {
    if (boost::in_degree(v, model_) == 0) result.push_back(v);
  }
  return result;
}

std::vector<Graph::Vertex> Graph::sinks() const {
  std::vector<Vertex> result;
  for (Vertex v = 0; v < size(); ++v) {
    if (boost::out_degree(v, model_) == 0) result.push_back(v);
  }
  return result;
}

std::map<std::string, std::size_t> Graph::op_counts() const {
  std::map<std::string, std::size_t> counts;
  for (const NodePointer& node : nodes_) ++counts[std::string(node->name())];
  return counts;
}

std::size_t Graph::saved_bytes() const {
  std::unordered_set<const Storage*> seen;
  std::size_t bytes = 0;
  for (const NodePointer& node : nodes_) {
    for (const SavedTensor& saved : node->saved()) {
      if (saved.tensor.defined() && seen.insert(saved.tensor.storage().get()).second)
        bytes += saved.tensor.storage()->bytes();
    }
  }
  return bytes;
}

void write_graphviz(std::ostream& out, const Graph& graph) {
  const auto label_vertex = [&graph](std::ostream& to, Graph::Vertex v) {
    const Node& node = graph.node(v);
    std::string label(node.is_leaf() && !node.label().empty() ? node.label() : node.name());
    if (const std::string attributes = node.attributes(); !attributes.empty()) label += "\n" + attributes;
    for (const NodeOutput& output : node.outputs()) label += "\n" + output.shape.str();
    to << "[label=" << boost::escape_dot_string(label)
       << (node.is_leaf() ? ", shape=box, style=filled, fillcolor=\"#cfe3ff\"" : ", shape=ellipse") << "]";
  };
  const auto label_edge = [&graph](std::ostream& to, const auto& edge) {
    const Node& source = graph.node(boost::source(edge, graph.model()));
    to << "[label=" << boost::escape_dot_string(source.outputs()[graph.model()[edge].output].shape.str()) << "]";
  };
  boost::write_graphviz(out, graph.model(), label_vertex, label_edge);
}

}  // namespace dagrad
