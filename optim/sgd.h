// Stochastic gradient descent.
#pragma once

#include "dagrad/optim/fused.h"

namespace dagrad::optim {

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;  ///< added to the gradient (L2)
  bool nesterov = false;
  bool maximize = false;
};
void describe(SgdOptions& options, OptionVisitor& visitor);

/// g = gradient + weight_decay p; with momentum: b = momentum b + (1 - dampening) g (b = g at first), and g = b, or
/// g + momentum b with nesterov; p = p - lr g. PyTorch's SGD.
/// Throws UsageError for negative options and for nesterov without momentum or with dampening.
class SGD final : public FusedOptimizer<SgdOptions> {
 public:
  explicit SGD(const std::vector<Tensor>& parameters, const SgdOptions& options = {});
  /// With that learning rate: `optim::SGD(net.parameters(), 0.1)`.
  template <Rate R>
  SGD(const std::vector<Tensor>& parameters, R lr) : SGD(parameters, SgdOptions{.lr = static_cast<double>(lr)}) {}
  explicit SGD(const std::vector<Group>& groups);
};

struct SgdwOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 1e-2;  ///< decoupled
  bool nesterov = false;
  bool maximize = false;
};
void describe(SgdwOptions& options, OptionVisitor& visitor);

/// SGD with decoupled weight decay (Loshchilov and Hutter 2019): first p = p - lr weight_decay p, and then SGD's step
/// with the gradient alone.
class SGDW final : public FusedOptimizer<SgdwOptions> {
 public:
  explicit SGDW(const std::vector<Tensor>& parameters, const SgdwOptions& options = {});
  /// With that learning rate: `optim::SGDW(net.parameters(), 0.1)`.
  template <Rate R>
  SGDW(const std::vector<Tensor>& parameters, R lr) : SGDW(parameters, SgdwOptions{.lr = static_cast<double>(lr)}) {}
  explicit SGDW(const std::vector<Group>& groups);
};

}  // namespace dagrad::optim
