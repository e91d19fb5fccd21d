#include "dagrad/nn/early_stopping.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/error.h"
#include "dagrad/nn/saving.h"

namespace dagrad::nn {

EarlyStopping::EarlyStopping(const EarlyStoppingOptions& options)
    : options_(options), best_(std::numeric_limits<double>::quiet_NaN()) {
  if (options.patience < 1)
    throw UsageError(fmt::format("EarlyStopping: patience is {} (want at least 1)", options.patience));
  if (!(options.min_delta >= 0))
    throw UsageError(fmt::format("EarlyStopping: min_delta is {} (want at least 0)", options.min_delta));
}

bool EarlyStopping::update(double value, const Module& module) {
  const double gain = options_.goal == Goal::minimise ? best_ - value : value - best_;
  const bool is_first = best_epoch_ < 0 && !std::isnan(value);
  if (is_first || gain > options_.min_delta) {
    best_ = value;
    best_epoch_ = epoch_;
    waited_ = 0;
    if (options_.restore_best) state_ = copy_state(module);
  } else {
    ++waited_;
  }
  ++epoch_;
  return stopped();
}

void EarlyStopping::restore(Module& module) const {
  if (best_epoch_ < 0) throw UsageError("EarlyStopping: nothing to restore (want an update with a number first)");
  if (!options_.restore_best) throw UsageError("EarlyStopping: nothing was kept (want restore_best)");
  load_state(module, state_);
}

}  // namespace dagrad::nn
