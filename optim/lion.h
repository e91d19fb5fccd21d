// Lion.
#pragma once

#include <utility>

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct LionOptions {
  double lr = 1e-4;
  std::pair<double, double> betas = {0.9, 0.99};
  double weight_decay = 0;  ///< decoupled
  bool maximize = false;
};
void describe(LionOptions& options, OptionVisitor& visitor);

/// p = p - lr (sign(b1 m + (1 - b1) g) + weight_decay p), m = b2 m + (1 - b2) g (Chen et al. 2023), with sign(0) = 0.
/// Throws UsageError for negative options and betas outside [0, 1).
class Lion final : public FusedOptimizer<LionOptions> {
 public:
  explicit Lion(const std::vector<Tensor>& parameters, const LionOptions& options = {});
  /// With that learning rate: `optim::Lion(net.parameters(), 0.1)`.
  template <Rate R>
  Lion(const std::vector<Tensor>& parameters, R lr) : Lion(parameters, LionOptions{.lr = static_cast<double>(lr)}) {}
  explicit Lion(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
