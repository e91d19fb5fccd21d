// What a loss adds for large weights.
#pragma once

#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::nn {

/// sum(|w|) over all elements of all tensors: a 0-dim tensor that gradients flow through (to each, its sign). Throws
/// UsageError for no tensors.
Tensor l1_norm(const std::vector<Tensor>& tensors);
/// sum(w^2) over all of them.
Tensor squared_l2_norm(const std::vector<Tensor>& tensors);

/// Parameters that share their strengths.
struct PenaltyGroup {
  std::vector<Tensor> parameters;
  double l1 = 0;  ///< drives small weights to exactly 0
  double l2 = 0;  ///< of the squares; an optimizer's weight_decay of 2 l2 does the same to a gradient
};

/// sum over the groups of l1 sum(|w|) + l2 sum(w^2): `loss + penalty({{.parameters = weights, .l2 = 1e-4}})`. Biases
/// and norms are usually left out. Throws UsageError for negative strengths and when no group has parameters and a
/// strength.
Tensor penalty(const std::vector<PenaltyGroup>& groups);

}  // namespace dagrad::nn
