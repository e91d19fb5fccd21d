// The part of Tensor that deals with gradients.
#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/capture/session.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/leaf.h"
#include "dagrad/core/node_extras.h"
#include "dagrad/core/tensor.h"

namespace dagrad {
namespace {

Leaf* leaf_of(const Tensor& t) {
  return t.node() && t.node()->is_leaf() ? static_cast<Leaf*>(t.node().get()) : nullptr;
}

const NodePointer& required_node(const Tensor& t, const char* what) {
  if (!t.node()) {
    throw GradientError(fmt::format("{}: the tensor of shape {} requires no gradient (want requires_grad_() first)",
                                    what, t.shape().str()));
  }
  return t.node();
}

}  // namespace

Tensor Tensor::grad() const {
  if (const Leaf* leaf = leaf_of(*this)) return leaf->grad();
  if (node() && node()->extras_) {
    for (const auto& kept : node()->extras_->retained) {
      if (kept.output == output_index()) return kept.gradient;
    }
  }
  return {};
}

void Tensor::set_grad(Tensor gradient) const {
  Leaf* leaf = leaf_of(*this);
  if (leaf == nullptr)
    throw GradientError("set_grad: the tensor is no leaf that requires a gradient (want requires_grad_() on a leaf)");
  if (gradient.defined() && gradient.shape() != shape()) {
    throw ShapeError(
        fmt::format("set_grad: shape {} (want {} like the tensor)", gradient.shape().str(), shape().str()));
  }
  if (gradient.defined() && gradient.dtype() != dtype()) {
    throw DTypeError(
        fmt::format("set_grad: {} (want {} like the tensor)", name_of(gradient.dtype()), name_of(dtype())));
  }
  leaf->set_grad(std::move(gradient));
}

void Tensor::zero_grad(bool set_to_none) const {
  Leaf* leaf = leaf_of(*this);
  if (leaf == nullptr && node() && node()->extras_) {
    for (auto& kept : node()->extras_->retained) {
      if (kept.output == output_index()) kept.gradient = {};
    }
  }
  if (leaf == nullptr) return;
  if (!leaf->grad().defined()) {
    if (set_to_none && CaptureSession::current() != nullptr) [[unlikely]]
      leaf->set_grad({});  // in a replay there may be one
    return;
  }
  if (set_to_none) {
    leaf->set_grad({});
  } else {
    Tensor gradient = leaf->grad().detach();
    leaf->set_grad(gradient.zero_());
  }
}

void Tensor::retain_grad() const {
  const NodePointer& node = required_node(*this, "retain_grad");
  if (node->is_leaf()) return;
  auto& retained = node->extras().retained;
  const auto is_this = [this](const auto& kept) { return kept.output == output_index(); };
  if (std::none_of(retained.begin(), retained.end(), is_this)) retained.push_back({output_index(), {}});
}

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
  BackwardOptions options;
  options.retain_graph = retain_graph;
  options.create_graph = create_graph;
  dagrad::backward({this, 1}, {&gradient, 1}, options);
}

int Tensor::register_hook(GradientHook hook) const {
  Node::Extras& extras = required_node(*this, "register_hook")->extras();
  extras.tensor_hooks.push_back({extras.next_handle, output_index(), std::move(hook)});
  return extras.next_handle++;
}

void Tensor::remove_hook(int handle) const {
  if (node()) node()->remove_hook(handle);
}

Tensor& Tensor::set_name(std::string name) {
  required_node(*this, "set_name")->extras().label = std::move(name);
  return *this;
}

std::string Tensor::name() const { return node() ? node()->label() : std::string(); }

}  // namespace dagrad
