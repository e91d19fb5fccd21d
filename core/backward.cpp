// Reverse mode on one page. A node's sequence is above that of every node it has an edge to, so the newest node that
// waits with a gradient has heard from all its consumers: run it, pass its gradients on, take the next newest.
#include "dagrad/core/backward.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <fmt/format.h>

#include "dagrad/core/autocast.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/leaf.h"
#include "dagrad/core/nan_search.h"
#include "dagrad/core/node_extras.h"
#include "dagrad/core/op.h"
#include "dagrad/core/pull_back.h"
#include "dagrad/core/rehearsal.h"
#include "dagrad/core/running_node.h"
#include "dagrad/core/single_threaded.h"

namespace dagrad {
namespace {

std::uint32_t new_pass() {
  static std::atomic<std::uint32_t> last{0};
  std::uint32_t pass = 0;
  while (pass == 0) pass = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return pass;
}

}  // namespace

/// One walk over the graph. Leaves every node as it found it, also when something throws.
class BackwardPass {
 public:
  BackwardPass(const char* caller, bool retain_graph) : caller_(caller), retain_graph_(retain_graph), id_(new_pass()) {}

  ~BackwardPass() {
    for (const Waiting& waiting : queue_) {
      for (NodeOutput& output : outputs_of(*waiting.node)) output.gradient = {};
      waiting.node->queued_ = false;
      waiting.node->pass_.store(0, std::memory_order_release);
    }
    for (Node* node : visited_) {
      node->needed_ = true;
      node->captured_ = false;
      node->pass_.store(0, std::memory_order_release);
    }
  }
  BackwardPass(const BackwardPass&) = delete;
  BackwardPass& operator=(const BackwardPass&) = delete;

  /// Walks only what lies between `outputs` and `inputs`.
  void prune(std::span<const Tensor> outputs, std::span<const Tensor> inputs) {
    pruned_ = true;
    for (const Tensor& output : outputs) visit(*output.node());
    for (std::size_t i = 0; i < visited_.size(); ++i) {
      for (const Edge& edge : visited_[i]->edges()) {
        if (edge.node) visit(*edge.node);
      }
    }
    for (const Tensor& input : inputs) {
      if (reaches(input)) input.node()->needed_ = true;
    }
    std::sort(visited_.begin(), visited_.end(),
              [](const Node* a, const Node* b) { return a->sequence() < b->sequence(); });
    for (Node* node : visited_) node->needed_ |= leads_on(*node);
  }

  /// Keeps the gradients of `inputs` for captured(), instead of adding them to leaves.
  void capture(std::span<const Tensor> inputs) {
    captures_.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      captures_[i].node = inputs[i].node().get();
      captures_[i].output = inputs[i].output_index();
      if (reaches(inputs[i])) inputs[i].node()->captured_ = true;
    }
  }
  /// Nobody is to read the captured gradients of leaves, unless a tool looks at every result.
  void leave_unread() {
    constexpr std::array kReaders{Watch::anomaly, Watch::infinity, Watch::verify, Watch::trace};
    unread_ = std::none_of(kReaders.begin(), kReaders.end(), [](Watch reader) { return watched(reader); });
  }
  bool reaches(const Tensor& input) const { return input.node()->pass_.load(std::memory_order_relaxed) == id_; }
  Tensor captured(std::size_t i) const { return captures_[i].gradient; }

  void run(std::span<const Tensor> outputs, std::span<const Tensor> gradients) {
    const Autocast off(false);  // each op's backward runs in the types of its forward
    for (std::size_t i = 0; i < outputs.size(); ++i) add({outputs[i].node(), outputs[i].output_index()}, gradients[i]);
    while (!queue_.empty()) process(take_newest());
  }

 private:
  struct Waiting {
    std::uint64_t sequence;
    Node* node;
    bool operator<(const Waiting& other) const { return sequence < other.sequence; }
  };
  struct Capture {
    const Node* node = nullptr;
    std::uint32_t output = 0;
    Tensor gradient;
  };
  using Gradients = boost::container::small_vector<Tensor, 2>;

  static std::span<NodeOutput> outputs_of(Node& node) { return {node.outputs_at(), node.output_count_}; }

  void claim(Node& node) {
    if (single_threaded() && node.pass_.load(std::memory_order_relaxed) == 0)
      return node.pass_.store(id_, std::memory_order_relaxed);
    std::uint32_t nobody = 0;
    if (!node.pass_.compare_exchange_strong(nobody, id_, std::memory_order_acq_rel) && nobody != id_) {
      throw GradientError(fmt::format(
          "{}: another backward pass is using '{}', {} (want one pass at a time over a graph and its leaves)", caller_,
          node.name(), node.place()));
    }
  }

  void visit(Node& node) {
    if (node.pass_.load(std::memory_order_relaxed) == id_) return;
    claim(node);
    node.needed_ = false;
    visited_.push_back(&node);
  }

  static bool leads_on(const Node& node) {
    return std::any_of(node.edges().begin(), node.edges().end(),
                       [](const Edge& edge) { return edge.node && edge.node->needed_; });
  }

  void add(const Edge& edge, Tensor gradient) {
    Node& node = *edge.node;
    if (!node.queued_) {
      claim(node);
      node.queued_ = true;
      queue_.push_back({node.sequence(), &node});
      std::push_heap(queue_.begin(), queue_.end());
    }
    Tensor& slot = node.outputs_at()[edge.output].gradient;
    slot = slot.defined() ? accumulate(std::move(slot), std::move(gradient)) : std::move(gradient);
  }

  Node& take_newest() {
    std::pop_heap(queue_.begin(), queue_.end());
    Node& node = *queue_.back().node;
    queue_.pop_back();
    node.queued_ = false;
    return node;
  }

  /// Gives a node up when the pass has not listed it in visited_.
  struct Release {
    Node& node;
    bool listed;
    ~Release() {
      if (!listed) node.pass_.store(0, std::memory_order_release);
    }
  };

  void process(Node& node) {
    const Release release{node, pruned_};
    Gradients gradients(node.output_count_);
    for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i] = std::move(node.outputs_at()[i].gradient);
    Rehearsal* const rehearsal = Rehearsal::current();
    if (node.extras_ && rehearsal == nullptr) run_hooks(node, gradients);
    if (node.captured_) keep_captures(node, gradients);
    if (pruned_ && !(node.is_leaf() ? captures_.empty() : leads_on(node))) return;

    const std::span<Tensor> given(gradients.data(), gradients.size());
    Backward ctx(node, given, pruned_, retain_graph_ || node.extras_ || anomaly_enabled(),
                 unread_ && !has_posthooks(node));
    {
      const RunningNode running(node);
      node.backward(ctx, given);
    }
    if (rehearsal != nullptr) rehearse(*rehearsal, node, gradients, ctx);
    if (node.extras_ && rehearsal == nullptr) {
      for (const auto& hook : std::vector(node.extras_->posthooks))
        hook.hook(node, {ctx.given_.data(), ctx.given_.size()});
    }
    if (anomaly_enabled()) check_for_nan(node, gradients, ctx);
    if (!retain_graph_) node.release_saved();
    const RunningNode running(node);  // gradients that add up do so on its behalf
    for (std::size_t i = 0; i < ctx.given_.size(); ++i) {
      if (ctx.given_[i].defined()) add(node.edges_[i], std::move(ctx.given_[i]));
    }
  }

  /// They read what the backward gives.
  static bool has_posthooks(const Node& node) { return node.extras_ && !node.extras_->posthooks.empty(); }

  void run_hooks(Node& node, Gradients& gradients) {
    for (const auto& hook : std::vector(node.extras_->tensor_hooks)) {
      Tensor& gradient = gradients[hook.output];
      if (!gradient.defined()) continue;
      Tensor replacement = hook.hook(gradient);
      if (!replacement.defined()) continue;
      if (replacement.shape() != gradient.shape() || replacement.dtype() != gradient.dtype()) {
        throw GradientError(fmt::format("hook on the result of '{}': returned {} {} (want {} {} like the gradient)",
                                        node.name(), name_of(replacement.dtype()), replacement.shape().str(),
                                        name_of(gradient.dtype()), gradient.shape().str()));
      }
      gradient = std::move(replacement);
    }
    if (captures_.empty()) retain(node, gradients);
    for (const auto& hook : std::vector(node.extras_->prehooks)) hook.hook(node, {gradients.data(), gradients.size()});
  }

  /// Gradients of results add up over the passes as those of leaves do.
  static void retain(Node& node, const Gradients& gradients) {
    for (auto& kept : node.extras_->retained) {
      const Tensor& gradient = gradients[kept.output];
      if (!gradient.defined()) continue;
      kept.gradient = kept.gradient.defined() ? accumulate(std::move(kept.gradient), gradient) : gradient;
    }
  }

  void keep_captures(const Node& node, const Gradients& gradients) {
    for (Capture& capture : captures_) {
      if (capture.node == &node) capture.gradient = gradients[capture.output];
    }
  }

  /// What a rehearsal is to know; users' hooks are not called in it.
  void rehearse(Rehearsal& rehearsal, const Node& node, const Gradients& gradients, const Backward& ctx) const {
    rehearsal.gave(node, {ctx.given_.data(), ctx.given_.size()});
    if (node.extras_) {
      const Node::Extras& extras = *node.extras_;
      for (const auto& kept : extras.retained) rehearsal.retain(gradients[kept.output]);
      if (!extras.tensor_hooks.empty() || !extras.prehooks.empty() || !extras.posthooks.empty())
        rehearsal.left_out_hooks();
    }
    if (!retain_graph_) rehearsal.released(node);
  }

  static void check_for_nan(const Node& node, const Gradients& gradients, const Backward& ctx) {
    for (std::size_t i = 0; i < ctx.given_.size(); ++i) {
      const auto bad = first_bad(ctx.given_[i]);
      if (!bad) continue;
      const std::string label = node.edges_[i].node->label();
      std::string text =
          fmt::format("anomaly: the backward of '{}', {}, gave {} at index {} of the gradient {} of input {}{}",
                      node.name(), node.place(), bad->value, bad->index.str(), ctx.given_[i].shape().str(), i,
                      label.empty() ? "" : " '" + label + "'");
      for (const Tensor& gradient : gradients) {
        if (gradient.defined()) text += "; from the gradient" + described(gradient);
      }
      throw GradientError(text);
    }
  }

  const char* caller_;
  bool retain_graph_;
  bool pruned_ = false;
  bool unread_ = false;
  std::uint32_t id_;
  std::vector<Waiting> queue_;  // a heap: the newest node first
  std::vector<Node*> visited_;  // pruned passes only: every node below the outputs
  std::vector<Capture> captures_;
};

namespace {

/// The gradients to start from, checked: 1 where none is given.
std::vector<Tensor> starting_gradients(const char* caller, std::span<const Tensor> outputs,
                                       std::span<const Tensor> gradients) {
  if (!gradients.empty() && gradients.size() != outputs.size()) {
    throw UsageError(fmt::format("{}: {} gradients for {} outputs (want one each, or none)", caller, gradients.size(),
                                 outputs.size()));
  }
  std::vector<Tensor> result(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& output = outputs[i];
    if (!output.requires_grad()) {
      throw GradientError(
          fmt::format("{}: output {} requires no gradient (want an output of ops on a tensor with requires_grad_(), "
                      "recorded outside of NoGrad)",
                      caller, i));
    }
    if (!gradients.empty() && gradients[i].defined()) {
      result[i] = gradients[i];
      if (result[i].shape() != output.shape()) {
        throw ShapeError(fmt::format("{}: gradient {} has shape {} (want {} like the output)", caller, i,
                                     result[i].shape().str(), output.shape().str()));
      }
      if (result[i].dtype() != output.dtype()) {
        throw DTypeError(fmt::format("{}: gradient {} is {} (want {} like the output)", caller, i,
                                     name_of(result[i].dtype()), name_of(output.dtype())));
      }
    } else if (output.numel() == 1) {
      result[i] = ones(output.shape(), output.dtype());
    } else {
      throw ShapeError(fmt::format("{}: output {} has shape {} (want one element, or a gradient for it)", caller, i,
                                   output.shape().str()));
    }
  }
  return result;
}

void check_inputs(const char* caller, std::span<const Tensor> inputs, bool leaves_only) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad() || (leaves_only && !inputs[i].is_leaf())) {
      throw GradientError(fmt::format("{}: input {} {} (want {})", caller, i,
                                      inputs[i].requires_grad() ? "is no leaf" : "requires no gradient",
                                      leaves_only ? "leaves with requires_grad_()" : "tensors that require one"));
    }
  }
}

}  // namespace

void backward(std::span<const Tensor> outputs, std::span<const Tensor> gradients, const BackwardOptions& options) {
  const char* const caller = "backward";
  if (Rehearsal::current() != nullptr)
    throw UsageError(
        "backward: called by a function whose memory is being forecast (want grad in it, or only a forward)");
  const std::vector<Tensor> start = starting_gradients(caller, outputs, gradients);
  check_inputs(caller, options.inputs, true);
  BackwardPass pass(caller, options.retain_graph || options.create_graph);
  if (!options.inputs.empty()) pass.prune(outputs, options.inputs);
  const GradMode mode(options.create_graph);
  pass.run(outputs, start);
}

void rehearse_backward(std::span<const Tensor> outputs, std::span<const Tensor> gradients, bool retain_graph) {
  const std::vector<Tensor> start = starting_gradients("backward", outputs, gradients);
  BackwardPass pass("backward", retain_graph);
  const NoGrad guard;
  pass.run(outputs, start);
}

namespace {

std::vector<Tensor> captured_gradients(const char* caller, std::span<const Tensor> outputs,
                                       std::span<const Tensor> inputs, std::span<const Tensor> gradients,
                                       const GradOptions& options, bool unread) {
  const std::vector<Tensor> start = starting_gradients(caller, outputs, gradients);
  check_inputs(caller, inputs, false);
  BackwardPass pass(caller, options.retain_graph || options.create_graph);
  pass.prune(outputs, inputs);
  pass.capture(inputs);
  if (unread) pass.leave_unread();
  for (std::size_t i = 0; i < inputs.size() && !options.allow_unused; ++i) {
    if (!pass.reaches(inputs[i])) {
      throw GradientError(fmt::format("{}: no output depends on input {}, shape {} (want allow_unused = true for {})",
                                      caller, i, inputs[i].shape().str(),
                                      unread ? "a product of zero" : "an undefined gradient"));
    }
  }
  const GradMode mode(options.create_graph);
  pass.run(outputs, start);
  std::vector<Tensor> result(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result[i] = pass.captured(i);
    if (!result[i].defined() && pass.reaches(inputs[i])) result[i] = zeros_like(inputs[i]);
  }
  return result;
}

}  // namespace

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> gradients, const GradOptions& options) {
  return captured_gradients("grad", outputs, inputs, gradients, options, false);
}

std::vector<Tensor> grad_to_differentiate(const char* caller, std::span<const Tensor> outputs,
                                          std::span<const Tensor> inputs, std::span<const Tensor> gradients,
                                          bool allow_unused) {
  return captured_gradients(caller, outputs, inputs, gradients, {.create_graph = true, .allow_unused = allow_unused},
                            true);
}

std::vector<Tensor> grad(const Tensor& output, std::span<const Tensor> inputs, const GradOptions& options) {
  return grad({&output, 1}, inputs, {}, options);
}

std::vector<Tensor> grad(const Tensor& output, std::initializer_list<Tensor> inputs, const GradOptions& options) {
  return grad(output, std::span(inputs.begin(), inputs.size()), options);
}

std::vector<Tensor> grad(std::initializer_list<Tensor> outputs, std::initializer_list<Tensor> inputs,
                         std::initializer_list<Tensor> gradients, const GradOptions& options) {
  return grad(std::span(outputs.begin(), outputs.size()), std::span(inputs.begin(), inputs.size()),
              std::span(gradients.begin(), gradients.size()), options);
}

Tensor grad(const Tensor& output, const Tensor& input, const GradOptions& options) {
  return grad({&output, 1}, {&input, 1}, {}, options)[0];
}

}  // namespace dagrad
