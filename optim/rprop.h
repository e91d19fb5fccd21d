// Rprop.
#pragma once

#include <utility>

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct RpropOptions {
  double lr = 1e-2;  ///< the first size of each element's step
  std::pair<double, double> etas = {0.5, 1.2};
  std::pair<double, double> step_sizes = {1e-6, 50};
  bool maximize = false;
};
void describe(RpropOptions& options, OptionVisitor& visitor);

/// Each element has a step size of its own: where the gradient has the sign it had before it grows by etas.second,
/// where the sign turned it shrinks by etas.first and the gradient counts as 0, within step_sizes;
/// p = p - sign(g) step (Riedmiller and Braun 1993). PyTorch's Rprop. Meant for whole data sets, not for batches.
/// Throws UsageError unless 0 < etas.first < 1 < etas.second and 0 <= step_sizes.first <= step_sizes.second.
class Rprop final : public FusedOptimizer<RpropOptions> {
 public:
  explicit Rprop(const std::vector<Tensor>& parameters, const RpropOptions& options = {});
  /// With that learning rate: `optim::Rprop(net.parameters(), 0.1)`.
  template <Rate R>
  Rprop(const std::vector<Tensor>& parameters, R lr) : Rprop(parameters, RpropOptions{.lr = static_cast<double>(lr)}) {}
  explicit Rprop(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
