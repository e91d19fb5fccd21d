// Differentiating a function's results by its arguments: what functional.h and jacobian.h share. Internal.
#pragma once

#include <vector>

#include "dagrad/core/backward.h"

namespace dagrad {

/// The inputs as a function is to see them when it is differentiated by them: leaves of their own over the same
/// elements; where `keep_history` is asked for and there is one, tensors that pass gradients on to the originals.
std::vector<Tensor> as_arguments(const std::vector<Tensor>& inputs, bool keep_history);

/// sum_k vectors[k] . d(outputs[k])/d(inputs[i]), where what has no history, no vector or no path counts as zero.
/// Undefined for integers.
std::vector<Tensor> pull_back(const std::vector<Tensor>& outputs, const std::vector<Tensor>& vectors,
                              const std::vector<Tensor>& inputs, GradOptions options);

/// Gradients as grad() records them with create_graph, for whoever goes on to differentiate them and reads none of
/// their elements: those of leaves may be left unwritten. `caller` is named in messages.
std::vector<Tensor> grad_to_differentiate(const char* caller, std::span<const Tensor> outputs,
                                          std::span<const Tensor> inputs, std::span<const Tensor> gradients,
                                          bool allow_unused);

/// pull_back(), recorded, for whoever differentiates the result and reads none of it: elements may be left unwritten.
std::vector<Tensor> pull_back_to_differentiate(const std::vector<Tensor>& outputs, const std::vector<Tensor>& vectors,
                                               const std::vector<Tensor>& inputs);

/// Leaves to differentiate by whose values do not matter; random ones, so that no sum of them is zero by chance and no
/// rule for zeros applies. Undefined for outputs without a history.
std::vector<Tensor> placeholders(const std::vector<Tensor>& outputs);

}  // namespace dagrad
