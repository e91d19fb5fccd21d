// Adam and AdamW.
#pragma once

#include <utility>

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  ///< added to the gradient (L2), not decoupled
  bool amsgrad = false;
  bool maximize = false;
  bool bias_correction = true;  ///< false: the divisors 1 - b^t are left out
};
void describe(AdamOptions& options, OptionVisitor& visitor);

/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p = p - lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)
/// (Kingma and Ba 2014), with amsgrad the largest v so far in place of v (Reddi et al. 2018). PyTorch's Adam.
/// The count t is each parameter's own. Throws UsageError for betas outside [0, 1) and negative options.
class Adam final : public FusedOptimizer<AdamOptions> {
 public:
  explicit Adam(const std::vector<Tensor>& parameters, const AdamOptions& options = {});
  /// With that learning rate: `optim::Adam(net.parameters(), 0.1)`.
  template <Rate R>
  Adam(const std::vector<Tensor>& parameters, R lr) : Adam(parameters, AdamOptions{.lr = static_cast<double>(lr)}) {}
  explicit Adam(const std::vector<Group>& groups);
};

struct AdamwOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;  ///< decoupled
  bool amsgrad = false;
  bool maximize = false;
  bool bias_correction = true;
};
void describe(AdamwOptions& options, OptionVisitor& visitor);

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019): first p = p - lr weight_decay p, and then Adam's step
/// with the gradient alone. PyTorch's AdamW.
class AdamW final : public FusedOptimizer<AdamwOptions> {
 public:
  explicit AdamW(const std::vector<Tensor>& parameters, const AdamwOptions& options = {});
  /// With that learning rate: `optim::AdamW(net.parameters(), 0.1)`.
  template <Rate R>
  AdamW(const std::vector<Tensor>& parameters, R lr) : AdamW(parameters, AdamwOptions{.lr = static_cast<double>(lr)}) {}
  explicit AdamW(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
