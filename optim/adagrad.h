// Adagrad.
#pragma once

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double weight_decay = 0;
  double initial_accumulator_value = 0;
  double eps = 1e-10;
  bool eps_inside_root = false;  ///< divides by sqrt(s + eps) instead of sqrt(s) + eps
  bool maximize = false;
};
void describe(AdagradOptions& options, OptionVisitor& visitor);

/// g = gradient + weight_decay p, s = s + g^2 (from initial_accumulator_value),
/// p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps) (Duchi, Hazan and Singer 2011). PyTorch's Adagrad.
/// The rate of a parameter only falls. Throws UsageError for negative options.
class Adagrad final : public FusedOptimizer<AdagradOptions> {
 public:
  explicit Adagrad(const std::vector<Tensor>& parameters, const AdagradOptions& options = {});
  /// With that learning rate: `optim::Adagrad(net.parameters(), 0.1)`.
  template <Rate R>
  Adagrad(const std::vector<Tensor>& parameters, R lr)
      : Adagrad(parameters, AdagradOptions{.lr = static_cast<double>(lr)}) {}
  explicit Adagrad(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
