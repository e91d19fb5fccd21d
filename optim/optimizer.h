// What optimizers share.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::optim {

/// Changes parameters in place, from their gradients. Parameters without a gradient are left as they are.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of every parameter that has a gradient.
  void step();
  /// Frees the gradients, or fills them with zeros.
  void zero_grad(bool set_to_none = true);

  const std::vector<Tensor>& parameters() const { return parameters_; }
  double lr() const { return lr_; }
  /// Throws UsageError when negative or not finite.
  void set_lr(double lr);

 protected:
  /// Throws UsageError naming `optimizer` when there are no parameters, one twice, one that requires no gradient or is
  /// no leaf; DTypeError for other types than f32 and f64.
  Optimizer(std::string_view optimizer, std::vector<Tensor> parameters, double lr);

  /// Updates parameter `i` of the list, given its gradient (contiguous, like the parameter).
  virtual void update(std::size_t i, Tensor& parameter, const Tensor& gradient) = 0;
  /// Called once before the updates of a step.
  virtual void begin_step() {}

  std::string_view name() const { return name_; }

 private:
  std::string_view name_;
  std::vector<Tensor> parameters_;
  double lr_ = 0;
};

/// Throws UsageError `optimizer: what is value (want ...)` unless `holds`.
void check_option(bool holds, std::string_view optimizer, std::string_view what, double value, std::string_view want);

}  // namespace dagrad::optim
