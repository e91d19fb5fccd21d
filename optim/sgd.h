// Stochastic gradient descent.
#pragma once

#include "dagrad/optim/optimizer.h"

namespace dagrad::optim {

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

/// g = gradient + weight_decay p; with momentum: b = momentum b + (1 - dampening) g (b = g at first), and g = b, or
/// g + momentum b with nesterov; p = p - lr g. PyTorch's SGD.
/// Throws UsageError for negative options and for nesterov without momentum or with dampening.
class SGD final : public Optimizer {
 public:
  explicit SGD(std::vector<Tensor> parameters, const SgdOptions& options = {});

 private:
  void update(std::size_t i, Tensor& parameter, const Tensor& gradient) override;

  SgdOptions options_;
  std::vector<Tensor> momentum_;
};

}  // namespace dagrad::optim
