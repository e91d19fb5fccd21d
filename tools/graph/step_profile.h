// A recorded step of a model, with what each op costs.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "dagrad/core/graph.h"
#include "tools/table.h"

namespace dagrad::tools {

/// What a node costs: medians over the runs.
struct NodeCost {
  double forward = 0, backward = 0;  ///< seconds
  std::size_t bytes = 0;             ///< of its results
  std::size_t saved = 0;             ///< of what it keeps for the backward and no node before it keeps
  double flops = 0;                  ///< forward and backward together, where they are counted (see flops.h)

  double seconds() const { return forward + backward; }
};

/// The graph of a step and its costs.
struct StepProfile {
  explicit StepProfile(const Tensor& loss) : graph(loss) {}

  Graph graph;
  std::vector<NodeCost> nodes;       ///< by vertex
  std::vector<double> live_bytes{};  ///< in use by tensors and nodes after each op, then after each op's backward
  std::size_t forward_ops = 0;       ///< how many of them belong to the forward
  std::size_t start_bytes = 0;       ///< in use before the step: parameters, data
  std::size_t peak_bytes = 0;        ///< the most that was in use
  double seconds = 0;                ///< of forward and backward together, when nobody watches; a median
  int runs = 0;

  /// The vertices of the path that takes longest, forward and backward.
  std::vector<Graph::Vertex> critical_path() const;
  double total_seconds(const std::vector<Graph::Vertex>& vertices) const;
  /// The sums over all ops.
  double op_seconds() const;
  std::size_t saved_bytes() const;
};

/// Runs `loss`, which records a step and returns its one number, and the backward from it, for about `seconds` after a
/// warm-up. The ops must be the same each time.
StepProfile profile_step(const std::function<Tensor()>& loss, double seconds);

/// Nodes, edges, depth, critical path, memory, times.
Table summary_of(const StepProfile& profile);
/// The ops that take longest, by name, at most `rows` of them.
Table costly_ops(const StepProfile& profile, std::size_t rows);

/// Of one result of a node.
std::size_t bytes_of(const NodeOutput& output);

/// Like `4.00 KiB`.
std::string bytes_text(double bytes);

}  // namespace dagrad::tools
