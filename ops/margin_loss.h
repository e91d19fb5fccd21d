// Losses of margins, rankings and distances. Where a margin is just kept, the gradient is 0.
#pragma once

#include "dagrad/ops/loss_reduction.h"

namespace dagrad {

struct HingeLossOptions {
  double margin = 1;
  Reduction reduction = Reduction::mean;
  Tensor weight = {};  ///< as in LossOptions
};

/// max(0, margin - target input), for targets -1 and 1, of a support vector machine. Equal shapes.
Tensor hinge_loss(const Tensor& input, const Tensor& target, const HingeLossOptions& options = {},
                  Location where = Location::current());

/// input where target is 1, and max(0, margin - input) where it is -1, for distances `input`. Equal shapes.
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, const HingeLossOptions& options = {},
                            Location where = Location::current());

struct RankingLossOptions {
  double margin = 0;
  Reduction reduction = Reduction::mean;
  Tensor weight = {};  ///< as in LossOptions
};

/// max(0, margin - target (input1 - input2)): whether input1 ranks above input2 (target 1) or below (-1). Equal shapes.
Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           const RankingLossOptions& options = {}, Location where = Location::current());

struct MultiMarginLossOptions {
  int p = 1;  ///< 1 or 2
  double margin = 1;
  Tensor weight = {};  ///< weights of the classes, [C]; the mean is over the samples, whatever they weigh
  Reduction reduction = Reduction::mean;
  Tensor sample_weight = {};  ///< weights of the losses, as in LossOptions
};

/// weight[y] sum over c != y of max(0, margin - input[y] + input[c])^p / C, for scores input [N, C] (or [C]) and class
/// indices target [N] (i64). Throws UsageError naming the first label that is no class, and unless p is 1 or 2.
Tensor multi_margin_loss(const Tensor& input, const Tensor& target, const MultiMarginLossOptions& options = {},
                         Location where = Location::current());

struct PairwiseDistanceOptions {
  double p = 2;       ///< which norm; at least 1, or infinity
  double eps = 1e-6;  ///< added to the differences
  bool keepdim = false;
};

/// The p-norm of x1 - x2 + eps over the last axis; shapes broadcast. Its gradient at 0 is 0. Throws UsageError unless
/// p >= 1.
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, const PairwiseDistanceOptions& options = {},
                         Location where = Location::current());

struct TripletMarginLossOptions {
  double margin = 1;
  double p = 2;
  double eps = 1e-6;
  bool swap = false;  ///< whether the negative's distance to the positive counts where it is the smaller one
  Reduction reduction = Reduction::mean;
  Tensor weight = {};  ///< as in LossOptions
};

/// max(0, margin + d(anchor, positive) - d(anchor, negative)) with d = pairwise_distance, for [N, D] or [D]
/// (Balntas et al. 2016 for the swap).
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossOptions& options = {}, Location where = Location::current());

/// x1 x2 / (max(|x1|, eps) max(|x2|, eps)), with sums and norms over `axis`, which is dropped. Shapes broadcast. Of a
/// zero vector it is 0, with a finite gradient.
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, std::int64_t axis = 1, double eps = 1e-8,
                         Location where = Location::current());

/// With s = cosine_similarity over the last axis: 1 - s where target is 1, and max(0, s - margin) where it is -1; for
/// inputs [N, D] and target [N], or [D] and [].
Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             const RankingLossOptions& options = {}, Location where = Location::current());

}  // namespace dagrad
