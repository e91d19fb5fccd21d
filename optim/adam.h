// Adam.
#pragma once

#include <utility>

#include "dagrad/optim/optimizer.h"

namespace dagrad::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  ///< added to the gradient (L2), not decoupled
  bool amsgrad = false;
};

/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p = p - lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)
/// (Kingma and Ba 2014), with amsgrad the largest v so far in place of v (Reddi et al. 2018). PyTorch's Adam.
/// The count t is each parameter's own. Throws UsageError for betas outside [0, 1) and negative options.
class Adam final : public Optimizer {
 public:
  explicit Adam(std::vector<Tensor> parameters, const AdamOptions& options = {});

 private:
  struct State {
    std::int64_t steps = 0;
    Tensor mean, square, largest;
  };
  void update(std::size_t i, Tensor& parameter, const Tensor& gradient) override;

  AdamOptions options_;
  std::vector<State> states_;
};

}  // namespace dagrad::optim
