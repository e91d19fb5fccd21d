// Negative log-likelihoods and divergences of distributions. Input and target have one shape and one floating type,
// and both get gradients.
#pragma once

#include "dagrad/ops/loss_reduction.h"

namespace dagrad {

/// Reduction with `batchmean`: the sum over the size of the first axis, which is what the divergence is defined as.
enum class KlDivReduction { none, mean, sum, batchmean };

struct KlDivOptions {
  bool log_target = false;  ///< whether target holds logarithms, too
  KlDivReduction reduction = KlDivReduction::mean;
  Tensor weight = {};  ///< as in LossOptions; batchmean divides by the same size with it
};

/// The elements of the Kullback-Leibler divergence of `target` from the distribution whose logarithm `input` is:
/// target (ln(target) - input), and 0 where target is 0, also when input is -inf; there the gradient by the target is
/// defined as 0. With log_target: e^target (target - input).
/// As in PyTorch, `mean` divides by the number of elements; `batchmean` is the divergence. Throws ShapeError for a
/// batchmean of a 0-dim input.
Tensor kl_div(const Tensor& input, const Tensor& target, const KlDivOptions& options = {},
              Location where = Location::current());

struct PoissonNllLossOptions {
  bool log_input = true;  ///< whether input is the logarithm of the expected count
  bool full = false;      ///< whether to add Stirling's approximation of ln(target!)
  double eps = 1e-8;      ///< added to the input before its logarithm is taken, without log_input
  Reduction reduction = Reduction::mean;
  Tensor weight = {};  ///< as in LossOptions
};

/// e^input - target input, or without log_input input - target ln(input + eps). With `full`, for targets above 1:
/// + target ln(target) - target + ln(2 pi target) / 2.
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, const PoissonNllLossOptions& options = {},
                        Location where = Location::current());

struct GaussianNllLossOptions {
  bool full = false;  ///< whether to add the constant ln(2 pi) / 2
  double eps = 1e-6;  ///< the least variance
  Reduction reduction = Reduction::mean;
  Tensor weight = {};  ///< as in LossOptions
};

/// (ln(v) + (input - target)^2 / v) / 2 with v = max(variance, eps). `variance` broadcasts to input's shape: [N, 1]
/// for one variance per sample. As in PyTorch, its gradient is that of v also below eps, so that it can grow again.
/// Throws UsageError for a negative variance.
Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& variance,
                         const GaussianNllLossOptions& options = {}, Location where = Location::current());

}  // namespace dagrad
