// What the losses share: how the losses of single elements become the result.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// How a loss of each sample becomes the result: as it is, averaged, or summed. The mean of nothing is NaN.
enum class Reduction { none, mean, sum };

/// What most losses take, as in `mse_loss(input, target, {.reduction = Reduction::sum})`.
struct LossOptions {
  Reduction reduction = Reduction::mean;
  /// Weights of the losses, which broadcast to their shape: [N] for [N], [N, 1] or [D] for [N, D]. The mean is then
  /// the weighted one, sum(weight loss) / sum(weight).
  Tensor weight = {};
};

}  // namespace dagrad
