#include "dagrad/core/op.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>

#include "dagrad/core/allocator.h"
#include "dagrad/core/checkpoint_frame.h"
#include "dagrad/core/error.h"
#include "dagrad/core/leaf.h"
#include "dagrad/core/module_name.h"
#include "dagrad/core/nan_search.h"
#include "dagrad/core/node_extras.h"
#include "dagrad/core/refusal.h"
#include "dagrad/core/rehearsal.h"
#include "dagrad/core/running_node.h"
#include "dagrad/core/save_observer.h"

namespace dagrad {
namespace {

template <class Range, class Get>
bool any_requires_grad(const Range& inputs, Get get) {
  return grad_enabled() &&
         std::any_of(inputs.begin(), inputs.end(), [&](const auto& t) { return get(t).requires_grad(); });
}

/// In place of the version of a saved tensor that its backward was done with.
constexpr std::uint32_t kDoneWith = 0xffffffff;

}  // namespace

namespace detail {

constinit thread_local SaveObserver* save_observer = nullptr;

}  // namespace detail

bool Recorder::wants(std::span<const Tensor> inputs) {
  return any_requires_grad(inputs, [](const Tensor& t) -> const Tensor& { return t; });
}

bool Recorder::wants(std::span<const Tensor* const> inputs) {
  return any_requires_grad(inputs, [](const Tensor* t) -> const Tensor& { return *t; });
}

void* Recorder::allocate(std::size_t bytes) { return allocator::allocate(bytes); }

void Recorder::attach(const NodePointer& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs,
                      Forward& ctx) {
  std::uint64_t newest_input = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]->requires_grad()) continue;
    node->edges_[i] = {inputs[i]->node(), inputs[i]->output_index()};
    newest_input = std::max(newest_input, inputs[i]->node()->sequence());
  }
  node->sequence_ = next_sequence(newest_input);
  // What a backward records belongs to the line and the module that recorded its forward.
  if (const Node* running = running_node()) {
    node->where_ = running->where_;
    node->module_ = running->module_;
  } else {
    node->module_ = detail::running_module;
  }

  for (std::uint32_t k = 0; k < ctx.saved_.size(); ++k) {
    SavedTensor& kept = node->saved_at()[k];
    if (!ctx.saved_[k].defined()) continue;
    kept.version = ctx.saved_[k].version();
    const auto same = [&](const Tensor& output) { return output.is_same(ctx.saved_[k]); };
    const auto output = std::find_if(outputs.begin(), outputs.end(), same);
    if (output == outputs.end()) {
      const auto input = std::find_if(inputs.begin(), inputs.end(), [&](const Tensor* t) { return same(*t); });
      if (input != inputs.end())
        kept.input = static_cast<std::int16_t>(input - inputs.begin());
      else if (ctx.is_refused(k))
        kept.input = SavedTensor::kRefused;
      kept.tensor = std::move(ctx.saved_[k]);
    } else {
      // An output owns the node, so the node must not own the output: it keeps an alias without history.
      kept.tensor = output->detach();
      kept.output = static_cast<std::int16_t>(output - outputs.begin());
    }
  }
  for (std::uint32_t k = 0; k < outputs.size(); ++k) {
    node->outputs_at()[k].shape = outputs[k].shape();
    node->outputs_at()[k].dtype = outputs[k].dtype();
    if (is_floating(outputs[k].dtype())) outputs[k].set_node(node, k);
  }
  if (detail::save_observer != nullptr) detail::save_observer->recorded(*node, inputs);
}

void Recorder::make_separate(std::string_view op, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    Tensor& output = outputs[k];
    if (!output.defined())
      throw UsageError(fmt::format("{}: its forward gave no tensor as output {} (want a defined one)", op, k));
    const auto same = [&output](const Tensor& t) { return t.is_same(output); };
    const bool is_input = std::any_of(inputs.begin(), inputs.end(), [&](const Tensor* t) { return same(*t); });
    if (is_input || output.requires_grad() ||
        std::any_of(outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(k), same))
      output = output.detach();
  }
}

bool Recorder::any_floating(std::span<const Tensor> outputs) {
  return std::any_of(outputs.begin(), outputs.end(), [](const Tensor& t) { return is_floating(t.dtype()); });
}

void Recorder::check_for_nan(std::string_view op, Location where, std::span<const Tensor* const> inputs,
                             std::span<const Tensor> outputs) {
  if (running_node() != nullptr) return;  // the gradients that a backward gives are searched by the engine
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const auto bad = first_bad(outputs[k]);
    if (!bad) continue;
    std::string text = fmt::format("anomaly: '{}' at {}:{}", op, where.file, where.line);
    if (detail::running_module != nullptr) text += fmt::format(" in module '{}'", *detail::running_module);
    text +=
        fmt::format(" gave {} at index {} of its result {}", bad->value, bad->index.str(), outputs[k].shape().str());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i]->defined()) text += fmt::format("; input {}{}", i, described(*inputs[i]));
    }
    throw GradientError(text);
  }
}

void Recorder::throw_no_gradient(std::string_view op, Location where) {
  throw GradientError(
      fmt::format("{}: this op has no derivative, but an input requires one: called at {}:{} (want NoGrad around it, "
                  "or detach() the input)",
                  op, where.file, where.line));
}

std::string Backward::description_of_saved(std::size_t i) const {
  const SavedTensor& kept = node_.saved_at()[i];
  std::string role = "a workspace";
  if (kept.output >= 0) role = "its result";
  if (kept.input >= 0) role = fmt::format("its input {}", kept.input);
  const std::string label = kept.output >= 0 ? node_.label() : kept.tensor.name();
  if (!label.empty()) role += fmt::format(" '{}'", label);
  return fmt::format("saved tensor {} of '{}' {}, {} {} {}", i, node_.name(), node_.place(), role,
                     name_of(kept.tensor.dtype()), kept.tensor.shape().str());
}

std::vector<Edge> Backward::edges_with(std::span<const Tensor> diff) const {
  std::vector<Edge> edges;
  for (const Edge& edge : node_.edges()) {
    if (edge.node) edges.push_back(edge);
  }
  for (const Tensor& gradient : diff) {
    if (gradient.requires_grad()) edges.push_back({gradient.node(), gradient.output_index()});
  }
  return edges;
}

bool Backward::reads_of(const Edge& edge) {
  if (!edge.node || !edge.node->is_leaf()) return edge.node != nullptr;
  if (!edge.node->extras_) return false;
  const Node::Extras& extras = *edge.node->extras_;
  return !extras.tensor_hooks.empty() || !extras.prehooks.empty() || !extras.posthooks.empty();
}

void Backward::done_with(const Tensor& diff) {
  if (keeps_) return;
  for (Tensor& gradient : gradients_) {
    if (&gradient == &diff) gradient = Tensor();
  }
}

void Backward::done_with_saved(std::size_t i) {
  if (keeps_ || i >= node_.saved_count_) return;
  SavedTensor& kept = node_.saved_at()[i];
  if (!kept.tensor.defined()) return;
  if (Rehearsal* const rehearsal = Rehearsal::current()) rehearsal->released(node_, kept.tensor);
  kept.tensor = Tensor();
  kept.version = kDoneWith;
}

Tensor Backward::saved(std::size_t i) const {
  if (node_.released_) {
    throw GradientError(fmt::format(
        "backward: the saved tensors of '{}' {} are gone, an earlier backward freed them (want retain_graph = true in "
        "it)",
        node_.name(), node_.place()));
  }
  if (node_.extras_ && node_.extras_->checkpoint) CheckpointFrame::restore(node_);
  if (i >= node_.saved_count_) {
    throw UsageError(
        fmt::format("{}: its backward asked for saved tensor {}, its forward saved {} (want ctx.save() for "
                    "each, in the same order)",
                    node_.name(), i, node_.saved().size()));
  }
  const SavedTensor& kept = node_.saved_at()[i];
  if (!kept.tensor.defined() && kept.version == kDoneWith) {
    throw GradientError(fmt::format(
        "backward: saved tensor {} of '{}' {} is gone, a backward that failed was done with it (want retain_graph = "
        "true in that one, or the forward once more)",
        i, node_.name(), node_.place()));
  }
  if (!kept.tensor.defined()) return {};
  if (kept.tensor.version() != kept.version) {
    throw GradientError(fmt::format(
        "backward: {}, was modified in place by {}: found version {}, saved version {} (want the change "
        "after backward, or on a copy)",
        description_of_saved(i), kept.tensor.storage()->last_change(), kept.tensor.version(), kept.version));
  }
  if (!grad_enabled()) return kept.tensor;
  if (kept.input == SavedTensor::kRefused && is_floating(kept.tensor.dtype())) {
    return refused(kept.tensor, edges_with({}),
                   fmt::format("{}: the second derivative is not defined: {}, is neither an input nor an output (want "
                               "inputs and outputs saved, or save_constant for what does not depend on inputs)",
                               node_.name(), description_of_saved(i)));
  }
  if (kept.output < 0) return kept.tensor;
  Tensor output = kept.tensor.detach();
  output.set_node(NodePointer(&node_), static_cast<std::uint32_t>(kept.output));
  return output;
}

void Backward::refuse_second_derivative(std::span<const Tensor> diff, std::string_view why, bool all) {
  const std::vector<Edge> edges = edges_with(diff);
  for (Tensor& gradient : given_) {
    if (!gradient.defined() || (!all && gradient.requires_grad())) continue;
    gradient = refused(gradient, edges,
                       fmt::format("{}: the second derivative is not defined: {}, {} (want first derivatives only, or "
                                   "a backward made of ops)",
                                   node_.name(), why, node_.place()));
  }
}

void Backward::give(std::size_t i, Tensor gradient) {
  if (i >= node_.edge_count_) {
    throw UsageError(
        fmt::format("{}: its backward gave input {} a gradient, it has {} inputs (want them counted from 0)",
                    node_.name(), i, node_.edge_count_));
  }
  if (!gradient.defined() || !needs(i)) return;
  const NodeOutput& target = input(i);
  if (gradient.shape() != target.shape || gradient.dtype() != target.dtype) {
    throw GradientError(fmt::format("{}: its backward gave input {} a gradient of {} {} (want {} {} like the input)",
                                    node_.name(), i, name_of(gradient.dtype()), gradient.shape().str(),
                                    name_of(target.dtype), target.shape.str()));
  }
  given_[i] = given_[i].defined() ? accumulate(std::move(given_[i]), std::move(gradient)) : std::move(gradient);
}

}  // namespace dagrad
