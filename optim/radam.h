// RAdam.
#pragma once

#include <utility>

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct RadamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool decoupled_weight_decay = false;  ///< p = p - lr weight_decay p first, instead of weight_decay p in the gradient
  bool maximize = false;
};
void describe(RadamOptions& options, OptionVisitor& visitor);

/// Adam whose first steps, while v says little, go without v (Liu et al. 2020). With m, v as in Adam, m' = m / (1 -
/// b1^t), R = 2 / (1 - b2) - 1 and r = R - 2 t b2^t / (1 - b2^t): where r > 5, p = p - lr sqrt((r - 4) (r - 2) R / ((R
/// - 4) (R - 2) r)) m' sqrt(1 - b2^t) / (sqrt(v) + eps), else p = p - lr m'. PyTorch's RAdam. Throws UsageError for
/// negative options and betas outside [0, 1).
class RAdam final : public FusedOptimizer<RadamOptions> {
 public:
  explicit RAdam(const std::vector<Tensor>& parameters, const RadamOptions& options = {});
  /// With that learning rate: `optim::RAdam(net.parameters(), 0.1)`.
  template <Rate R>
  RAdam(const std::vector<Tensor>& parameters, R lr) : RAdam(parameters, RadamOptions{.lr = static_cast<double>(lr)}) {}
  explicit RAdam(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
