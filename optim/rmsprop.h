// RMSprop.
#pragma once

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct RmspropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;
  bool maximize = false;
};
void describe(RmspropOptions& options, OptionVisitor& visitor);

/// g = gradient + weight_decay p, s = alpha s + (1 - alpha) g^2, d = g / (sqrt(s) + eps); centered: the mean
/// a = alpha a + (1 - alpha) g is kept too, and s - a^2 stands under the root (Graves 2013); with momentum:
/// b = momentum b + d in place of d; p = p - lr d (Hinton's lectures, 2012). PyTorch's RMSprop.
/// Throws UsageError for negative options and alpha outside [0, 1).
class RMSprop final : public FusedOptimizer<RmspropOptions> {
 public:
  explicit RMSprop(const std::vector<Tensor>& parameters, const RmspropOptions& options = {});
  /// With that learning rate: `optim::RMSprop(net.parameters(), 0.1)`.
  template <Rate R>
  RMSprop(const std::vector<Tensor>& parameters, R lr)
      : RMSprop(parameters, RmspropOptions{.lr = static_cast<double>(lr)}) {}
  explicit RMSprop(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
