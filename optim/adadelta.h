// Adadelta.
#pragma once

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct AdadeltaOptions {
  double lr = 1.0;
  double rho = 0.9;
  double eps = 1e-6;
  double weight_decay = 0;
  bool maximize = false;
};
void describe(AdadeltaOptions& options, OptionVisitor& visitor);

/// g = gradient + weight_decay p, s = rho s + (1 - rho) g^2, d = sqrt(u + eps) / sqrt(s + eps) g,
/// u = rho u + (1 - rho) d^2, p = p - lr d (Zeiler 2012). PyTorch's Adadelta.
/// Throws UsageError for negative options and rho outside [0, 1].
class Adadelta final : public FusedOptimizer<AdadeltaOptions> {
 public:
  explicit Adadelta(const std::vector<Tensor>& parameters, const AdadeltaOptions& options = {});
  /// With that learning rate: `optim::Adadelta(net.parameters(), 0.1)`.
  template <Rate R>
  Adadelta(const std::vector<Tensor>& parameters, R lr)
      : Adadelta(parameters, AdadeltaOptions{.lr = static_cast<double>(lr)}) {}
  explicit Adadelta(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
