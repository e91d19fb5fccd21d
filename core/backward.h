// The backward engine: gradients of tensors with respect to others.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad {

struct BackwardOptions {
  bool create_graph = false;        ///< record the backward itself, so that gradients can be differentiated again
  bool retain_graph = false;        ///< keep saved tensors for another pass (implied by create_graph)
  std::vector<Tensor> inputs = {};  ///< accumulate into these leaves only; empty: into all
};

/// Accumulates sum_k gradients[k] . d(outputs[k])/d(leaf) into the grad of every leaf that outputs depend on.
/// A missing or undefined gradient means 1, for outputs with one element. Safe in several threads over separate
/// graphs. Throws GradientError when an output needs no gradient, a saved tensor is gone or was overwritten, or
/// another pass is using the graph; ShapeError and DTypeError when a gradient does not match its output.
void backward(std::span<const Tensor> outputs, std::span<const Tensor> gradients = {},
              const BackwardOptions& options = {});

struct GradOptions {
  bool create_graph = false;
  bool retain_graph = false;
  bool allow_unused = false;  ///< give an undefined tensor for an input that no output depends on, instead of an error
};

/// sum_k gradients[k] . d(outputs[k])/d(inputs[i]) for each i. No leaf's grad is touched. Inputs may be leaves or
/// intermediate tensors. Only the part of the graph between inputs and outputs is walked.
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> gradients = {}, const GradOptions& options = {});
/// The same for one output.
std::vector<Tensor> grad(const Tensor& output, std::span<const Tensor> inputs, const GradOptions& options = {});
/// The same for lists in braces: `grad(loss, {w, b})`, `grad({y, z}, {x, w}, {v, {}})`.
std::vector<Tensor> grad(const Tensor& output, std::initializer_list<Tensor> inputs, const GradOptions& options = {});
std::vector<Tensor> grad(std::initializer_list<Tensor> outputs, std::initializer_list<Tensor> inputs,
                         std::initializer_list<Tensor> gradients = {}, const GradOptions& options = {});
/// The same for one output and one input.
Tensor grad(const Tensor& output, const Tensor& input, const GradOptions& options = {});

}  // namespace dagrad
