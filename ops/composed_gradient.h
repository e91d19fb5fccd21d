// The gradient of a function made of ops, as an op. Internal.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// A function made of differentiable ops. Inputs and results may be undefined.
using ComposedFunction = std::function<std::vector<Tensor>(std::span<const Tensor> inputs)>;

/// sum_k gradients[k] . d(function(inputs)[k]) / d(inputs[i]) for each i that is `wanted`; undefined for the others,
/// and for all when no gradient is defined. Can itself be differentiated, any number of times: it is recorded as one
/// op, whose backward is another one of the same kind.
///
/// For the backward of a kernel that is itself a backward: there a second derivative may be slow, but must be right.
std::vector<Tensor> composed_gradient(ComposedFunction function, std::span<const Tensor> inputs,
                                      std::span<const Tensor> gradients, const std::vector<bool>& wanted);

/// The same by a graph that leads through the inputs themselves, for use inside a ComposedFunction.
std::vector<Tensor> recorded_gradient(const ComposedFunction& function, std::span<const Tensor> inputs,
                                      std::span<const Tensor> gradients, const std::vector<bool>& wanted);

}  // namespace dagrad
