// Cross-entropy of probabilities. Internal.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/ops/loss_reduction.h"

namespace dagrad::losses {

/// sum_c q[i, c] (ln(sum_c e^logits[i, c]) - logits[i, c]) for logits and q [N, C] of one floating type, summed,
/// divided by N, or as [N]. Rows of q need not sum up to 1.
Tensor soft_cross_entropy(const Tensor& logits, const Tensor& q, Reduction reduction, Location where);

}  // namespace dagrad::losses
