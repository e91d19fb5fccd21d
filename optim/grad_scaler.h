// Scaling the loss against underflow of low-precision gradients.
#pragma once

#include <functional>
#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/optim/optimizer.h"
#include "dagrad/optim/state.h"

namespace dagrad::optim {

struct GradScalerOptions {
  double init_scale = 65536;
  double growth_factor = 2;
  double backoff_factor = 0.5;
  std::int64_t growth_interval = 2000;  ///< finite steps before the scale grows
  bool enabled = true;                  ///< false: a scale of 1, and no step is left out
};

/// Multiplies the loss, and with it all gradients, by a scale, and divides the gradients by it in the optimizer's pass.
/// A step whose gradients are not all finite is left out and lowers the scale; growth_interval others raise it. bf16
/// has the range of f32 and seldom needs it. PyTorch's GradScaler.
///
///   scaler.backward(loss);
///   scaler.step(optimizer);
///   scaler.update();
class GradScaler {
 public:
  /// Throws UsageError unless init_scale > 0, growth_factor > 1, 0 < backoff_factor < 1, growth_interval >= 1.
  explicit GradScaler(const GradScalerOptions& options = {});

  double scale() const { return options_.enabled ? scale_ : 1; }
  /// d(scale * loss): loss.backward() with the scale as the gradient of the loss.
  void backward(const Tensor& loss) const;

  /// Divides the gradients by the scale where they lie, for looking at them or clipping them before step(); step() then
  /// does not divide again, and is left out if one of them is NaN or infinite now.
  void unscale_(const Optimizer& optimizer);
  /// One step with unscaled gradients, unless one of them is NaN or infinite. `grad_scale` is a further factor, as that
  /// of clipping. Returns whether the step was made.
  bool step(Optimizer& optimizer, const StepOptions& options = {}, Location where = Location::current());
  /// Adapts the scale, after the steps of all optimizers.
  void update();

  State state() const;
  /// Throws UsageError, before anything is changed, for the state of another kind or a scale out of range.
  void load_state(const State& state) { prepare_state(state)(); }
  /// Checks a state, and returns what takes it over and cannot fail.
  [[nodiscard]] std::function<void()> prepare_state(const State& state);

 private:
  struct Unscaled {
    const Optimizer* optimizer;
    bool finite;  // were its gradients, which clipping may have changed since
  };
  const Unscaled* unscaled(const Optimizer& optimizer) const;

  GradScalerOptions options_;
  double scale_;
  std::int64_t finite_steps_ = 0;
  bool left_out_ = false;           // a step, since the last update()
  std::vector<Unscaled> unscaled_;  // whose gradients have been divided since then
};

}  // namespace dagrad::optim
