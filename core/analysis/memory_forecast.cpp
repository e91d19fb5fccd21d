#include "dagrad/core/analysis/memory_forecast.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/graph.h"
#include "dagrad/core/graph_snapshot.h"
#include "dagrad/core/leaf.h"
#include "dagrad/core/module_name.h"
#include "dagrad/core/rehearsal.h"
#include "dagrad/core/running_node.h"

namespace dagrad {
namespace {

/// Counts who holds the tensors that a graph kept before the rehearsal: its nodes, and the checkpoints that these need.
class KeptBefore {
 public:
  /// Enters into the books what goes when the graph lets go of it. To be made before anything else holds the tensors.
  KeptBefore(const Graph& graph, Rehearsal& rehearsal) : rehearsal_(rehearsal) {
    for (Graph::Vertex v = 0; v < graph.size(); ++v) {
      const Node& node = graph.node(v);
      for (const SavedTensor& saved : node.saved()) count(&node, node, saved.tensor);
      if (const auto frame = GraphSnapshot::checkpoint_of(node)) count_checkpoint(frame.get(), node);
    }
    for (auto& [storage, elements] : elements_) {
      if (elements.held_by_graph_alone()) elements.block = book(*storage, *elements.first);
    }
  }

  /// All that the node keeps, or one tensor of it.
  void release(const Node& node, const Tensor* saved) {
    if (saved != nullptr) return let_go(&node, saved->storage().get());
    let_go(&node);
    const auto found = frames_.find(&node);
    if (found == frames_.end()) return;
    if (--nodes_left_[found->second] == 0) let_go(found->second);
    frames_.erase(found);
  }

  /// Calls f(storage) for each that others hold, too.
  template <class F>
  void for_each_shared(const F& f) const {
    for (const auto& [storage, elements] : elements_) {
      if (!elements.block) f(*storage);
    }
  }

 private:
  /// What lies in one storage.
  struct Elements {
    const Node* first = nullptr;                                 // that keeps a tensor in it
    std::size_t places = 0;                                      // where the graph keeps one
    std::vector<std::pair<const Tensor*, std::size_t>> tensors;  // each with its places
    std::optional<std::size_t> block;

    bool held_by_graph_alone() const {
      return tensors.front().first->storage()->references() == tensors.size() &&
             std::all_of(tensors.begin(), tensors.end(), [](const auto& t) { return t.first->handles() == t.second; });
    }
  };

  void count(const void* holder, const Node& node, const Tensor& t) {
    if (!t.defined() || rehearsal_.made(t.storage()->data())) return;
    Elements& elements = elements_[t.storage().get()];
    if (elements.first == nullptr) elements.first = &node;
    ++elements.places;
    held_[holder].push_back(t.storage().get());
    const auto same = std::find_if(elements.tensors.begin(), elements.tensors.end(),
                                   [&t](const auto& known) { return known.first->is_same(t); });
    if (same == elements.tensors.end())
      elements.tensors.emplace_back(&t, 1);
    else
      ++same->second;
  }

  void count_checkpoint(const CheckpointFrame* frame, const Node& node) {
    frames_.emplace(&node, frame);
    if (++nodes_left_[frame] > 1) return;
    for (const Tensor& input : frame->inputs()) count(frame, node, input);
  }

  std::size_t book(const Storage& storage, const Node& node) {
    const std::string* const module = node.module().empty() ? nullptr : interned(std::string(node.module()));
    return rehearsal_.add(Storage::footprint(storage.bytes()), Held::saved,
                          {std::string(node.name()), node.where(), module, false});
  }

  void let_go(const void* holder) {
    const auto found = held_.find(holder);
    if (found == held_.end()) return;
    for (const Storage* storage : found->second) leave(*storage);
    held_.erase(found);
  }

  /// One place of the holder's in `storage`.
  void let_go(const void* holder, const Storage* storage) {
    const auto found = held_.find(holder);
    if (found == held_.end()) return;
    const auto place = std::find(found->second.begin(), found->second.end(), storage);
    if (place == found->second.end()) return;
    found->second.erase(place);
    leave(*storage);
  }

  void leave(const Storage& storage) {
    Elements& elements = elements_.at(&storage);
    if (--elements.places == 0 && elements.block) rehearsal_.drop(*elements.block);
  }

  Rehearsal& rehearsal_;
  std::unordered_map<const Storage*, Elements> elements_;
  std::unordered_map<const void*, std::vector<const Storage*>> held_;  // by nodes and checkpoints
  std::unordered_map<const Node*, const CheckpointFrame*> frames_;
  std::unordered_map<const CheckpointFrame*, std::size_t> nodes_left_;
};

std::string described(const Maker& maker) {
  if (maker.op.empty()) return "functions that are no ops";
  std::string text = fmt::format("{}'{}'", maker.backward ? "the backward of " : "", maker.op);
  if (maker.where.line != 0) text += fmt::format(" at {}:{}", maker.where.file, maker.where.line);
  if (maker.module != nullptr) text += fmt::format(" in module '{}'", *maker.module);
  return text;
}

std::string described(const Rehearsal::Block& block) {
  switch (block.held) {
    case Held::saved: return "saved by " + described(block.maker);
    case Held::gradient: return "gradients from " + described(block.maker);
    default: return "workspaces of " + described(block.maker);
  }
}

/// A walk through what a rehearsal booked.
class Replay {
 public:
  explicit Replay(const Rehearsal::Books& books) : books_(books), live_(books.blocks.size()) {}

  /// The number of events after which most is live, not before `from`.
  std::size_t peak(std::size_t from) const {
    std::int64_t now = 0, most = -1;
    std::size_t at = from;
    for (std::size_t e = 0; e <= books_.events.size(); ++e) {
      if (e >= from && now > most) {
        most = now;
        at = e;
      }
      if (e == books_.events.size()) break;
      const auto bytes = static_cast<std::int64_t>(counted(block(e)));
      now += books_.events[e] > 0 ? bytes : -bytes;
    }
    return at;
  }

  /// To the state after `event` events.
  void go_to(std::size_t event) {
    for (; at_ < event; ++at_) live_[index(at_)] = books_.events[at_] > 0;
  }

  MemoryUse use() const {
    MemoryUse result;
    for_each_live([&result](const Rehearsal::Block& b) {
      (b.held == Held::saved      ? result.saved
       : b.held == Held::gradient ? result.gradients
                                  : result.workspaces) += b.bytes;
    });
    return result;
  }

  std::vector<MemoryHolder> holders() const {
    std::map<std::string, std::size_t> sums;
    for_each_live([&sums](const Rehearsal::Block& b) { sums[described(b)] += b.bytes; });
    std::vector<MemoryHolder> result;
    result.reserve(sums.size());
    for (const auto& [what, bytes] : sums) result.push_back({what, bytes});
    std::stable_sort(result.begin(), result.end(),
                     [](const MemoryHolder& a, const MemoryHolder& b) { return a.bytes > b.bytes; });
    return result;
  }

  /// What made the block of the last event.
  std::string last() const { return at_ == 0 ? "the start" : described(block(at_ - 1).maker); }

 private:
  static std::size_t counted(const Rehearsal::Block& b) { return b.held == Held::existing ? 0 : b.bytes; }
  std::size_t index(std::size_t event) const {
    const std::int64_t entry = books_.events[event];
    return static_cast<std::size_t>(entry > 0 ? entry : -entry) - 1;
  }
  const Rehearsal::Block& block(std::size_t event) const { return books_.blocks[index(event)]; }
  template <class F>
  void for_each_live(const F& f) const {
    for (std::size_t i = 0; i < live_.size(); ++i) {
      if (live_[i] && books_.blocks[i].held != Held::existing) f(books_.blocks[i]);
    }
  }

  const Rehearsal::Books& books_;
  std::vector<bool> live_;
  std::size_t at_ = 0;
};

/// Bytes of the leaves of a graph; the storages they lie in go into `seen`.
std::size_t leaf_bytes(const Graph& graph, const Rehearsal& rehearsal, std::unordered_set<const void*>& seen) {
  std::size_t bytes = 0;
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    const Node& node = graph.node(v);
    if (!node.is_leaf()) continue;
    const void* const elements = static_cast<const Leaf&>(node).elements();
    if (rehearsal.made(elements)) continue;
    seen.insert(elements);
    const NodeOutput& spec = node.outputs()[0];
    bytes += Storage::footprint(static_cast<std::size_t>(checked_numel("memory forecast", spec.shape)) *
                                item_size(spec.dtype));
  }
  return bytes;
}

MemoryUse operator+(const MemoryUse& a, const MemoryUse& b) {
  return {a.parameters + b.parameters, a.optimizer_states + b.optimizer_states,
          a.inputs + b.inputs,         a.gradients + b.gradients,
          a.saved + b.saved,           a.workspaces + b.workspaces};
}

MemoryForecast summary(const Rehearsal::Books& books, const MemoryUse& fixed, std::size_t start, std::size_t end) {
  MemoryForecast result;
  Replay replay(books);
  replay.go_to(start);
  result.start = fixed + replay.use();
  replay.go_to(replay.peak(start));
  result.peak = fixed + replay.use();
  result.holders = replay.holders();
  result.during = replay.last();
  replay.go_to(end);
  result.end = fixed + replay.use();
  return result;
}

/// Rehearses the backward of `outputs` and sums up. Nodes up to the sequence `newest` are not the rehearsal's own, and
/// others than `inputs` may hold what they saved. What was booked before does not count when the step `begins_here`.
MemoryForecast rehearse(Rehearsal& rehearsal, const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                        std::uint64_t newest, bool begins_here, const ForecastOptions& options) {
  const Graph graph(outputs);
  KeptBefore before(graph, rehearsal);
  MemoryUse fixed;
  fixed.optimizer_states = options.optimizer_state_bytes;
  std::unordered_set<const void*> seen;
  fixed.parameters = leaf_bytes(graph, rehearsal, seen);
  const auto add_input = [&](const Storage& storage) {
    if (seen.insert(storage.data()).second) fixed.inputs += Storage::footprint(storage.bytes());
  };
  for (const Tensor& input : inputs) {
    if (input.defined()) add_input(*input.storage());
  }
  before.for_each_shared(add_input);
  for (Graph::Vertex v = 0; v < graph.size(); ++v) rehearsal.note_saved(graph.node(v));

  const GraphSnapshot snapshot(graph, newest);
  fixed.gradients = snapshot.gradient_bytes();
  const std::size_t start = begins_here ? rehearsal.books().events.size() : 0;
  std::vector<Tensor> gradients;
  gradients.reserve(outputs.size());
  for (const Tensor& output : outputs)
    gradients.push_back(output.numel() == 1 ? Tensor() : Tensor::allocate(output.spec()));
  rehearsal.when_released([&before](const Node& node, const Tensor* saved) { before.release(node, saved); });
  rehearse_backward(outputs, gradients, options.retain_graph);
  rehearsal.when_released({});
  return summary(rehearsal.books(), fixed, start, rehearsal.books().events.size());
}

std::string readable(std::size_t bytes) {
  constexpr std::size_t kKibi = 1024;
  if (bytes < 10 * kKibi) return fmt::format("{} B", bytes);
  if (bytes < 10 * kKibi * kKibi) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / kKibi);
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kKibi / kKibi);
}

}  // namespace

MemoryForecast forecast_backward(const std::vector<Tensor>& outputs, const ForecastOptions& options) {
  Rehearsal rehearsal;
  return rehearse(rehearsal, outputs, {}, next_sequence(0), true, options);
}

MemoryForecast forecast_backward(const Tensor& output, const ForecastOptions& options) {
  return forecast_backward(std::vector<Tensor>{output}, options);
}

MemoryForecast forecast_step(const TensorFunction& function, const std::vector<Tensor>& inputs,
                             const ForecastOptions& options) {
  function.check_arity("forecast_step", inputs.size());
  Rehearsal rehearsal;
  const GradMode recording(true);
  const std::uint64_t newest = next_sequence(0);
  const std::vector<Tensor> outputs = function(inputs);
  return rehearse(rehearsal, outputs, inputs, newest, false, options);
}

MemoryForecast forecast_step(const TensorFunction& function, const std::vector<Spec>& inputs,
                             const ForecastOptions& options) {
  Rehearsal rehearsal;
  std::vector<Tensor> zeros;
  for (const Spec& spec : inputs) {
    zeros.push_back(Tensor::allocate(spec));
    rehearsal.set_existing(zeros.back());
  }
  return forecast_step(function, zeros, options);
}

std::string MemoryForecast::str(std::size_t lines) const {
  std::string text = fmt::format("memory forecast: {} at the peak, {} above the start, in {}\n", readable(peak.total()),
                                 readable(rise()), during);
  text += fmt::format("{:<17} {:>12} {:>12} {:>12}\n", "", "start", "peak", "end");
  const auto row = [&](std::string_view name, std::size_t MemoryUse::*part) {
    if (start.*part + peak.*part + end.*part == 0) return;
    text += fmt::format("{:<17} {:>12} {:>12} {:>12}\n", name, readable(start.*part), readable(peak.*part),
                        readable(end.*part));
  };
  row("parameters", &MemoryUse::parameters);
  row("optimizer states", &MemoryUse::optimizer_states);
  row("inputs", &MemoryUse::inputs);
  row("gradients", &MemoryUse::gradients);
  row("saved", &MemoryUse::saved);
  row("workspaces", &MemoryUse::workspaces);
  text += fmt::format("{:<17} {:>12} {:>12} {:>12}\n", "total", readable(start.total()), readable(peak.total()),
                      readable(end.total()));
  for (std::size_t i = 0; i < std::min(lines, holders.size()); ++i)
    text += fmt::format("{:>12}  {}\n", readable(holders[i].bytes), holders[i].what);
  return text;
}

}  // namespace dagrad
