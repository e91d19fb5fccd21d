// NAdam.
#pragma once

#include <utility>

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct NadamOptions {
  double lr = 2e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum_decay = 4e-3;
  bool decoupled_weight_decay = false;  ///< p = p - lr weight_decay p first, instead of weight_decay p in the gradient
  bool maximize = false;
};
void describe(NadamOptions& options, OptionVisitor& visitor);

/// Adam with Nesterov's momentum (Dozat 2016). With mu_t = b1 (1 - 0.96^(t momentum_decay) / 2) and m, v as in Adam:
/// p = p - lr ((1 - mu_t) / (1 - mu_1 ... mu_t) g + mu_(t+1) / (1 - mu_1 ... mu_(t+1)) m)
///         / (sqrt(v / (1 - b2^t)) + eps). PyTorch's NAdam.
/// Throws UsageError for negative options and betas outside [0, 1).
class NAdam final : public FusedOptimizer<NadamOptions> {
 public:
  explicit NAdam(const std::vector<Tensor>& parameters, const NadamOptions& options = {});
  /// With that learning rate: `optim::NAdam(net.parameters(), 0.1)`.
  template <Rate R>
  NAdam(const std::vector<Tensor>& parameters, R lr) : NAdam(parameters, NadamOptions{.lr = static_cast<double>(lr)}) {}
  explicit NAdam(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
