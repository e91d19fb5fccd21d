#include "tools/graph/step_profile.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "dagrad/core/allocator.h"
#include "dagrad/core/analysis/op_times.h"
#include "dagrad/core/error.h"
#include "tools/graph/flops.h"
#include "tools/timing.h"

namespace dagrad::tools {
namespace {

constexpr std::size_t kMostRuns = 50, kFewestRuns = 3;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Seconds of one run, by vertex.
struct Run {
  std::vector<double> forward, backward;
};

/// Runs a step under watch; keeps graph, bytes and memory in `profile` the first time.
Run watched_run(const std::function<Tensor()>& loss, std::vector<StepProfile>& profile) {
  std::vector<double> live;
  const std::size_t start = allocator_statistics().live_bytes;
  reset_peak_bytes();
  OpTimes times([&](const Node&) { live.push_back(static_cast<double>(allocator_statistics().live_bytes)); });
  const Tensor result = loss();
  const std::size_t forward_ops = live.size();
  StepProfile step(result);
  if (!profile.empty() && profile[0].graph.size() != step.graph.size()) {
    throw UsageError(fmt::format("graph: the step recorded {} nodes, and {} when it ran again (want the same ops)",
                                 profile[0].graph.size(), step.graph.size()));
  }
  std::unordered_set<const Storage*> seen;
  for (Graph::Vertex v = 0; v < step.graph.size(); ++v) {
    NodeCost& cost = step.nodes.emplace_back();
    const Node& node = step.graph.node(v);
    cost.flops = forward_flops(node) + backward_flops(node);
    for (const NodeOutput& output : node.outputs()) cost.bytes += bytes_of(output);
    for (const SavedTensor& saved : node.saved()) {
      if (saved.tensor.defined() && seen.insert(saved.tensor.storage().get()).second)
        cost.saved += saved.tensor.storage()->bytes();
    }
  }
  times.watch_backward(step.graph);
  result.backward();
  Run run;
  for (Graph::Vertex v = 0; v < step.graph.size(); ++v) {
    run.forward.push_back(times.forward_seconds(step.graph.node(v)));
    run.backward.push_back(times.backward_seconds(step.graph.node(v)));
  }
  if (profile.empty()) {
    step.live_bytes = std::move(live);
    step.forward_ops = forward_ops;
    step.start_bytes = start;
    step.peak_bytes = allocator_statistics().peak_bytes;
    profile.push_back(std::move(step));
  }
  return run;
}

}  // namespace

std::vector<Graph::Vertex> StepProfile::critical_path() const {
  Graph::Vertex next = 0;
  std::unordered_map<const Node*, double> weights;
  for (const NodeCost& cost : nodes) weights.emplace(&graph.node(next++), cost.seconds());
  return graph.critical_path([&](const Node& node) { return weights.at(&node); });
}

double StepProfile::total_seconds(const std::vector<Graph::Vertex>& vertices) const {
  double total = 0;
  for (const Graph::Vertex v : vertices) total += nodes[v].seconds();
  return total;
}

double StepProfile::op_seconds() const {
  double total = 0;
  for (const NodeCost& cost : nodes) total += cost.seconds();
  return total;
}

std::size_t StepProfile::saved_bytes() const {
  std::size_t total = 0;
  for (const NodeCost& cost : nodes) total += cost.saved;
  return total;
}

StepProfile profile_step(const std::function<Tensor()>& loss, double seconds) {
  using Clock = std::chrono::steady_clock;
  loss().backward();
  std::vector<StepProfile> profile;  // one, when there is one
  std::vector<Run> runs;
  std::vector<double> whole;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (runs.size() < kFewestRuns || (runs.size() < kMostRuns && Clock::now() < end)) {
    const auto start = Clock::now();
    loss().backward();
    whole.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    runs.push_back(watched_run(loss, profile));
  }
  StepProfile result = std::move(profile[0]);
  result.runs = static_cast<int>(runs.size());
  result.seconds = median(whole);
  for (Graph::Vertex v = 0; v < result.graph.size(); ++v) {
    std::vector<double> forward, backward;
    for (const Run& run : runs) {
      forward.push_back(run.forward[v]);
      backward.push_back(run.backward[v]);
    }
    result.nodes[v].forward = median(forward);
    result.nodes[v].backward = median(backward);
  }
  return result;
}

Table summary_of(const StepProfile& profile) {
  const Graph& graph = profile.graph;
  std::size_t leaves = 0, parameters = 0;
  for (const Graph::Vertex v : graph.sources()) {
    if (!graph.node(v).is_leaf()) continue;
    ++leaves;
    parameters += profile.nodes[v].bytes;
  }
  const std::vector<Graph::Vertex> path = profile.critical_path();
  const double path_seconds = profile.total_seconds(path), all = profile.op_seconds();
  double forward = 0;
  for (const NodeCost& cost : profile.nodes) forward += cost.forward;
  Table table{{"what", "value"}};
  const auto row = [&](const char* what, std::string value) { table.rows.push_back({what, std::move(value)}); };
  row("nodes", fmt::format("{} ({} leaves)", graph.size(), leaves));
  row("edges", fmt::format("{}", boost::num_edges(graph.model())));
  row("depth", fmt::format("{} ops on the longest path", graph.depth()));
  row("critical path", fmt::format("{} nodes, {} ({:.0f}% of all ops)", path.size(), time_text(path_seconds),
                                   all > 0 ? 100 * path_seconds / all : 0));
  row("parameters", bytes_text(static_cast<double>(parameters)));
  row("saved for the backward", bytes_text(static_cast<double>(profile.saved_bytes())));
  row("peak live memory",
      fmt::format("{} ({} of it before the step)", bytes_text(static_cast<double>(profile.peak_bytes)),
                  bytes_text(static_cast<double>(profile.start_bytes))));
  row("kernels, forward", time_text(forward));
  row("kernels, backward", time_text(all - forward));
  row("the whole step", fmt::format("{} (median of {} runs)", time_text(profile.seconds), profile.runs));
  return table;
}

Table costly_ops(const StepProfile& profile, std::size_t rows) {
  struct Sum {
    std::string name;
    std::size_t count = 0, bytes = 0;
    double forward = 0, backward = 0, flops = 0;
  };
  std::map<std::string, Sum> sums;
  for (Graph::Vertex v = 0; v < profile.graph.size(); ++v) {
    const Node& node = profile.graph.node(v);
    if (node.is_leaf()) continue;
    Sum& sum = sums[std::string(node.name())];
    sum.name = node.name();
    ++sum.count;
    sum.bytes += profile.nodes[v].bytes;
    sum.forward += profile.nodes[v].forward;
    sum.backward += profile.nodes[v].backward;
    sum.flops += profile.nodes[v].flops;
  }
  std::vector<Sum> order;
  order.reserve(sums.size());
  for (auto& [name, sum] : sums) order.push_back(std::move(sum));
  std::stable_sort(order.begin(), order.end(),
                   [](const Sum& a, const Sum& b) { return a.forward + a.backward > b.forward + b.backward; });
  if (order.size() > rows) order.resize(rows);
  const double all = profile.op_seconds();
  Table table{{"op", "times", "forward", "backward", "share", "results", "FLOP/s"}};
  for (const Sum& sum : order) {
    table.rows.push_back({sum.name, std::to_string(sum.count), sum.forward > 0 ? time_text(sum.forward) : "",
                          sum.backward > 0 ? time_text(sum.backward) : "",
                          fmt::format("{:.0f}%", all > 0 ? 100 * (sum.forward + sum.backward) / all : 0),
                          bytes_text(static_cast<double>(sum.bytes)),
                          sum.flops > 0 ? rate_text(sum.flops / (sum.forward + sum.backward)) : ""});
  }
  return table;
}

std::size_t bytes_of(const NodeOutput& output) {
  return static_cast<std::size_t>(checked_numel("graph", output.shape)) * item_size(output.dtype);
}

std::string bytes_text(double bytes) {
  constexpr std::array prefixes{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t i = 0;
  for (; bytes >= 1023.5 && i + 1 < prefixes.size(); ++i) bytes /= 1024;
  if (i == 0) return fmt::format("{:.0f} B", bytes);
  return fmt::format("{:.{}f} {}", bytes, bytes < 9.995 ? 2 : bytes < 99.95 ? 1 : 0, prefixes[i]);
}

}  // namespace dagrad::tools
