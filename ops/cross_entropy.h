// Cross-entropy of classes that exclude each other.
#pragma once

#include <cstdint>

#include "dagrad/ops/loss_reduction.h"

namespace dagrad {

struct CrossEntropyOptions {
  Tensor weight = {};                ///< weights of the classes, [C]
  std::int64_t ignore_index = -100;  ///< the label of samples that count for nothing
  double label_smoothing = 0;        ///< the share of the target that is spread evenly over all classes
  Reduction reduction = Reduction::mean;
  Tensor sample_weight = {};  ///< weights of the losses, which broadcast to their shape
};

/// -sum_c weight[c] q[c] log_softmax(logits)[c] for each sample, where q is the target's distribution: for class
/// indices the unit vector of the class, else the probabilities given; smoothed to
/// (1 - label_smoothing) q + label_smoothing / C.
///
/// Logits are [N, C], [N, C, d1, ...] or [C]; class indices (i64) have their shape without C, as have the losses;
/// probabilities have all of it and logits' type. As in PyTorch the mean over class indices is weighted,
/// sum(loss) / sum(weight[target]) over the samples not ignored, and over probabilities sum(loss) / N. Weights of
/// samples enter both sums. The mean of nothing is NaN.
///
/// One fused kernel in each direction for [N, C], and for [N, C, d1, ...] that lies channels-last in memory. What has
/// no weight counts for nothing, even where its probability is 0; an ignored sample costs 0 and gets a gradient of 0,
/// whatever its logits. A logit of -inf stands for a class that is impossible: infinitely wrong when it is the target,
/// without effect else. A logit of +inf, or a row of nothing but -inf, gives NaN.
///
/// Logits, probabilities and the weights of samples get gradients, and with probabilities also those of classes.
/// Throws UsageError naming the first label that is no class, ShapeError, DTypeError.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options = {},
                     Location where = Location::current());
Tensor cross_entropy(const Tensor& logits, const Tensor& target, Reduction reduction,
                     Location where = Location::current());

struct NllLossOptions {
  Tensor weight = {};                ///< weights of the classes, [C]
  std::int64_t ignore_index = -100;  ///< the label of samples that count for nothing
  Reduction reduction = Reduction::mean;
  Tensor sample_weight = {};  ///< weights of the losses, which broadcast to their shape
};

/// -weight[target] log_probabilities[target] for each sample: cross_entropy for the result of log_softmax. Shapes, the
/// mean and what it throws are as there for class indices.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, const NllLossOptions& options = {},
                Location where = Location::current());

}  // namespace dagrad
