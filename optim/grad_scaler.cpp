#include "dagrad/optim/grad_scaler.h"

#include <algorithm>
#include <cmath>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/optim/change_gradient.h"
#include "dagrad/optim/gradients.h"

namespace dagrad::optim {

GradScaler::GradScaler(const GradScalerOptions& options) : options_(options), scale_(options.init_scale) {
  OptionCheck check("GradScaler");
  check.number("init_scale", options_.init_scale, kPositive);
  check.number("growth_factor", options_.growth_factor,
               {[](double x) { return x > 1 && std::isfinite(x); }, "more than 1"});
  check.number("backoff_factor", options_.backoff_factor, {[](double x) { return x > 0 && x < 1; }, "between 0 and 1"});
  check.count("growth_interval", options_.growth_interval, kPositiveCount);
}

void GradScaler::backward(const Tensor& loss) const {
  if (watched(Watch::capture))
    Capture::refuse("GradScaler changes its scale from step to step", "no scaler: bf16 does without");
  loss.backward(full(loss.shape(), scale(), loss.dtype()));
}

void GradScaler::unscale_(const Optimizer& optimizer) {
  if (unscaled(optimizer) != nullptr)
    throw UsageError("GradScaler: unscale_ twice before update() (want it once an optimizer)");
  const bool finite = !options_.enabled || !has_nonfinite_gradient(optimizer.parameters());
  for (const Tensor& p : optimizer.parameters()) scale_gradient(p, 1 / scale());
  unscaled_.push_back({&optimizer, finite});
}

const GradScaler::Unscaled* GradScaler::unscaled(const Optimizer& optimizer) const {
  const auto found = std::find_if(unscaled_.begin(), unscaled_.end(),
                                  [&](const Unscaled& entry) { return entry.optimizer == &optimizer; });
  return found == unscaled_.end() ? nullptr : &*found;
}

bool GradScaler::step(Optimizer& optimizer, const StepOptions& options, Location where) {
  const Unscaled* const before = unscaled(optimizer);
  const auto finite = [&] {
    return before != nullptr ? before->finite : !has_nonfinite_gradient(optimizer.parameters());
  };
  if (options_.enabled && !finite()) {
    left_out_ = true;
    return false;
  }
  optimizer.step({.grad_scale = before != nullptr ? options.grad_scale : options.grad_scale / scale()}, where);
  return true;
}

void GradScaler::update() {
  unscaled_.clear();
  if (left_out_) {
    scale_ *= options_.backoff_factor;
    finite_steps_ = 0;
  } else if (++finite_steps_ == options_.growth_interval) {
    // Beyond the range of f32 a scaled gradient is infinite whatever it was.
    if (scale_ * options_.growth_factor < 0x1p127) scale_ *= options_.growth_factor;
    finite_steps_ = 0;
  }
  left_out_ = false;
}

State GradScaler::state() const {
  State state{.kind = "GradScaler", .numbers = {}, .tensors = {}};
  state.numbers["scale"] = scale_;
  state.numbers["finite_steps"] = static_cast<double>(finite_steps_);
  return state;
}

std::function<void()> GradScaler::prepare_state(const State& state) {
  StateReader reader("GradScaler", state);
  double scale = reader.number("scale");
  const std::int64_t finite_steps = reader.count("finite_steps");
  reader.finish();
  OptionCheck("GradScaler").number("scale", scale, kPositive);
  return [this, scale, finite_steps] {
    scale_ = scale;
    finite_steps_ = finite_steps;
  };
}

}  // namespace dagrad::optim
