// Losses of regression. Input and target have one shape and one floating type, and both get gradients.
#pragma once

#include "dagrad/ops/loss_reduction.h"

namespace dagrad {

/// (input - target)^2.
Tensor mse_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {},
                Location where = Location::current());

/// |input - target|; its gradient is 0 where they are equal.
Tensor l1_loss(const Tensor& input, const Tensor& target, const LossOptions& options = {},
               Location where = Location::current());

struct HuberLossOptions {
  double delta = 1;  ///< from where it is linear; above 0
  Reduction reduction = Reduction::mean;
  Tensor weight = {};  ///< as in LossOptions
};

/// With d = input - target: d^2 / 2 up to |d| = delta, and beyond delta (|d| - delta / 2). Throws UsageError unless
/// delta > 0.
Tensor huber_loss(const Tensor& input, const Tensor& target, const HuberLossOptions& options = {},
                  Location where = Location::current());

struct SmoothL1LossOptions {
  double beta = 1;  ///< from where it is linear; 0 gives l1_loss
  Reduction reduction = Reduction::mean;
  Tensor weight = {};  ///< as in LossOptions
};

/// With d = input - target: d^2 / (2 beta) below |d| = beta, and |d| - beta / 2 from there on: huber_loss with
/// delta = beta, divided by beta. Throws UsageError when beta < 0.
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, const SmoothL1LossOptions& options = {},
                      Location where = Location::current());

}  // namespace dagrad
