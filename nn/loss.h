// Losses as callables of an input and a target: the functions of ops with their options kept. Names and defaults are
// PyTorch's.
#pragma once

#include <type_traits>
#include <utility>

#include "dagrad/ops/binary_cross_entropy.h"
#include "dagrad/ops/cross_entropy.h"
#include "dagrad/ops/likelihood_loss.h"
#include "dagrad/ops/loss.h"
#include "dagrad/ops/margin_loss.h"

namespace dagrad::nn {

namespace detail {

/// The options with weights of the single losses, which are named for the samples where others weigh the classes.
template <class Options>
Options with_sample_weight(Options options, const Tensor& weight) {
  if constexpr (requires { options.sample_weight; }) {
    options.sample_weight = weight;
  } else {
    static_assert(!std::is_same_v<Options, MultiMarginLossOptions>, "its weight is that of the classes");
    options.weight = weight;
  }
  return options;
}

}  // namespace detail

/// A loss of an input and a target, computed by the function that the name stands for: `MSELoss()(input, target)`, or
/// with options `HuberLoss({.delta = 2})`. A third argument weighs the losses of the batch, in place of what the
/// options say: it broadcasts to their shape, [N] for class labels, [N, 1] or [D] for [N, D]. How it enters the mean,
/// the function's options tell.
template <class Options, Tensor (*kFunction)(const Tensor&, const Tensor&, const Options&, Location)>
class Loss {
 public:
  explicit Loss(Options options = {}) : options_(std::move(options)) {}
  const Options& options() const { return options_; }
  Tensor operator()(const Tensor& input, const Tensor& target, Location where = Location::current()) const {
    return kFunction(input, target, options_, where);
  }
  Tensor operator()(const Tensor& input, const Tensor& target, const Tensor& sample_weight,
                    Location where = Location::current()) const {
    return kFunction(input, target, detail::with_sample_weight(options_, sample_weight), where);
  }

 private:
  Options options_;
};

/// The same for a loss of three tensors.
template <class Options, Tensor (*kFunction)(const Tensor&, const Tensor&, const Tensor&, const Options&, Location)>
class Loss3 {
 public:
  explicit Loss3(Options options = {}) : options_(std::move(options)) {}
  const Options& options() const { return options_; }
  Tensor operator()(const Tensor& a, const Tensor& b, const Tensor& c, Location where = Location::current()) const {
    return kFunction(a, b, c, options_, where);
  }
  Tensor operator()(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& sample_weight,
                    Location where = Location::current()) const {
    return kFunction(a, b, c, detail::with_sample_weight(options_, sample_weight), where);
  }

 private:
  Options options_;
};

using MSELoss = Loss<LossOptions, mse_loss>;
using L1Loss = Loss<LossOptions, l1_loss>;
using HuberLoss = Loss<HuberLossOptions, huber_loss>;
using SmoothL1Loss = Loss<SmoothL1LossOptions, smooth_l1_loss>;

using NLLLoss = Loss<NllLossOptions, nll_loss>;
using BCELoss = Loss<BinaryCrossEntropyOptions, binary_cross_entropy>;
using BCEWithLogitsLoss = Loss<BinaryCrossEntropyWithLogitsOptions, binary_cross_entropy_with_logits>;

using KLDivLoss = Loss<KlDivOptions, kl_div>;
using PoissonNLLLoss = Loss<PoissonNllLossOptions, poisson_nll_loss>;
using GaussianNLLLoss = Loss3<GaussianNllLossOptions, gaussian_nll_loss>;  ///< input, target, variance

using HingeLoss = Loss<HingeLossOptions, hinge_loss>;
using HingeEmbeddingLoss = Loss<HingeLossOptions, hinge_embedding_loss>;
using MultiMarginLoss = Loss<MultiMarginLossOptions, multi_margin_loss>;
using MarginRankingLoss = Loss3<RankingLossOptions, margin_ranking_loss>;        ///< input1, input2, target
using CosineEmbeddingLoss = Loss3<RankingLossOptions, cosine_embedding_loss>;    ///< input1, input2, target
using TripletMarginLoss = Loss3<TripletMarginLossOptions, triplet_margin_loss>;  ///< anchor, positive, negative

/// cross_entropy(logits, target) with its options, or just a reduction.
class CrossEntropyLoss : public Loss<CrossEntropyOptions, cross_entropy> {
 public:
  using Loss::Loss;
  explicit CrossEntropyLoss(Reduction reduction) : Loss(CrossEntropyOptions{.reduction = reduction}) {}
};

}  // namespace dagrad::nn
