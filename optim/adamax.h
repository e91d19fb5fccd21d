// Adamax.
#pragma once

#include <utility>

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct AdamaxOptions {
  double lr = 2e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool maximize = false;
};
void describe(AdamaxOptions& options, OptionVisitor& visitor);

/// g = gradient + weight_decay p, m = b1 m + (1 - b1) g, u = max(b2 u, |g| + eps), p = p - lr / (1 - b1^t) m / u: Adam
/// with the maximum norm (Kingma and Ba 2014, section 7). PyTorch's Adamax.
/// Throws UsageError for negative options and betas outside [0, 1).
class Adamax final : public FusedOptimizer<AdamaxOptions> {
 public:
  explicit Adamax(const std::vector<Tensor>& parameters, const AdamaxOptions& options = {});
  /// With that learning rate: `optim::Adamax(net.parameters(), 0.1)`.
  template <Rate R>
  Adamax(const std::vector<Tensor>& parameters, R lr)
      : Adamax(parameters, AdamaxOptions{.lr = static_cast<double>(lr)}) {}
  explicit Adamax(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
