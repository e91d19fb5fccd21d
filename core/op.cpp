#include "dagrad/core/op.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>

#include "dagrad/core/allocator.h"
#include "dagrad/core/error.h"
#include "dagrad/core/leaf.h"
#include "dagrad/core/nan_search.h"
#include "dagrad/core/running_node.h"

namespace dagrad {
namespace {

template <class Range, class Get>
bool any_requires_grad(const Range& inputs, Get get) {
  return grad_enabled() &&
         std::any_of(inputs.begin(), inputs.end(), [&](const auto& t) { return get(t).requires_grad(); });
}

}  // namespace

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
  // What a backward records belongs to the line that recorded its forward.
  if (const Node* running = running_node()) node->where_ = running->where();

  for (std::uint32_t k = 0; k < ctx.saved_.size(); ++k) {
    SavedTensor& kept = node->saved_at()[k];
    if (!ctx.saved_[k].defined()) continue;
    kept.version = ctx.saved_[k].version();
    const auto same = [&](const Tensor& output) { return output.is_same(ctx.saved_[k]); };
    const auto output = std::find_if(outputs.begin(), outputs.end(), same);
    if (output == outputs.end()) {
      kept.tensor = std::move(ctx.saved_[k]);
    } else {
      // An output owns the node, so the node must not own the output: it keeps an alias without history.
      kept.tensor = output->detach();
      kept.output = static_cast<std::int32_t>(output - outputs.begin());
    }
  }
  for (std::uint32_t k = 0; k < outputs.size(); ++k) {
    node->outputs_at()[k].shape = outputs[k].shape();
    node->outputs_at()[k].dtype = outputs[k].dtype();
    if (is_floating(outputs[k].dtype())) outputs[k].set_node(node, k);
  }
}

bool Recorder::any_floating(std::span<const Tensor> outputs) {
  return std::any_of(outputs.begin(), outputs.end(), [](const Tensor& t) { return is_floating(t.dtype()); });
}

void Recorder::check_for_nan(std::string_view op, Location where, std::span<const Tensor> outputs) {
  if (running_node() != nullptr) return;  // the gradients that a backward gives are searched by the engine
  for (const Tensor& output : outputs) {
    if (const auto index = first_nan(output)) {
      throw GradientError(fmt::format("anomaly: '{}' at {}:{} gave nan at index {} of its result {}", op, where.file,
                                      where.line, index->str(), output.shape().str()));
    }
  }
}

void Recorder::throw_no_gradient(std::string_view op, Location where) {
  throw GradientError(
      fmt::format("{}: this op has no derivative, but an input requires one: called at {}:{} (want NoGrad around it, "
                  "or detach() the input)",
                  op, where.file, where.line));
}

Tensor Backward::saved(std::size_t i) const {
  const auto place = [&] {
    return fmt::format("'{}' recorded at {}:{}", node_.name(), node_.where_.file, node_.where_.line);
  };
  if (node_.released_) {
    throw GradientError(fmt::format(
        "backward: the saved tensors of {} are gone, an earlier backward freed them (want retain_graph = true in it)",
        place()));
  }
  const SavedTensor& kept = node_.saved_at()[i];
  if (!kept.tensor.defined()) return {};
  if (kept.tensor.version() != kept.version) {
    throw GradientError(
        fmt::format("backward: saved tensor {} of {}, shape {}, was modified in place: version {}, saved at version {} "
                    "(want the change after backward, or on a copy)",
                    i, place(), kept.tensor.shape().str(), kept.tensor.version(), kept.version));
  }
  if (kept.output < 0 || !grad_enabled()) return kept.tensor;
  Tensor output = kept.tensor.detach();
  output.set_node(NodePointer(&node_), static_cast<std::uint32_t>(kept.output));
  return output;
}

void Backward::give(std::size_t i, Tensor gradient) {
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
