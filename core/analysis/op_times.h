// OpTimes: how long each recorded op took, forward and backward.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "dagrad/core/graph.h"

namespace dagrad {

/// While it lives, times the kernel of every op that the calling thread records. Costs two readings of the clock for an
/// op; when none lives, nothing. They nest, and the innermost one sees what is recorded.
///
///     OpTimes times;
///     const Tensor loss = cross_entropy(net(x), labels);
///     const Graph graph(loss);
///     times.watch_backward(graph);
///     loss.backward();
///     for (Graph::Vertex v = 0; v < graph.size(); ++v) std::cout << times.forward_seconds(graph.node(v)) << "\n";
class OpTimes {
 public:
  /// `after` is called after each op that was recorded, and after the backward of each node that is watched.
  explicit OpTimes(std::function<void(const Node&)> after = {});
  ~OpTimes();
  OpTimes(const OpTimes&) = delete;
  OpTimes& operator=(const OpTimes&) = delete;

  /// Times the backward of each op from here on, by hooks that stay on the nodes. Leaves are left alone.
  void watch_backward(const Graph& graph);

  /// Of the op's kernel; 0 for views, which run none, and for nodes that were recorded while nobody watched.
  double forward_seconds(const Node& node) const;
  /// Of the last backward through the node, without the adding up of what it gave; 0 when there was none.
  double backward_seconds(const Node& node) const;

 private:
  struct Books;
  class Watcher;
  std::shared_ptr<Books> books_;  // the hooks may outlive this
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace dagrad
