// Cross-entropy of independent yes-or-no answers.
#pragma once

#include "dagrad/ops/loss_reduction.h"

namespace dagrad {

struct BinaryCrossEntropyOptions {
  Reduction reduction = Reduction::mean;
  /// Weights of the losses, which broadcast to their shape. As in PyTorch the mean is that of the weighted losses:
  /// sum(weight loss) / count.
  Tensor weight = {};
};

/// -(target ln(input) + (1 - target) ln(1 - input)) for probabilities `input`; the logarithms are held to -100 and
/// above, so that a certain and wrong answer costs 100. The gradient by the input is (input - target) /
/// max(input (1 - input), 1e-12), as in PyTorch. Equal shapes and floating types; both get gradients. Throws UsageError
/// naming the first input outside [0, 1], ShapeError, DTypeError.
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const BinaryCrossEntropyOptions& options = {},
                            Location where = Location::current());

struct BinaryCrossEntropyWithLogitsOptions {
  Tensor pos_weight = {};  ///< weighs the positive answers; broadcasts to logits' shape: [C] for [N, C]
  Reduction reduction = Reduction::mean;
  Tensor weight = {};  ///< as in BinaryCrossEntropyOptions
};

/// The same for probabilities sigmoid(logits), without overflow or loss of digits:
/// pos_weight target softplus(-logits) + (1 - target) softplus(logits), where a factor of 0 gives 0. Logits of +-inf
/// cost 0 when they are right and infinity when they are wrong; their gradient is finite: -pos_weight, 0 or 1.
/// Logits, target, weight and pos_weight get gradients. Throws ShapeError, DTypeError.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options = {},
                                        Location where = Location::current());

}  // namespace dagrad
