// Finding a learning rate by trying out many.
#pragma once

#include <vector>

#include "dagrad/optim/optimizer.h"

namespace dagrad::optim {

struct LrRangeOptions {
  double start_lr = 1e-7;
  double end_lr = 10;
  std::int64_t steps = 100;
  double smoothing = 0.9;  ///< weight of the past in the smoothed loss, which starts without a bias
  double divergence = 4;   ///< ends when the smoothed loss is this many times the lowest one above 0
};

struct LrRange {
  struct Trial {
    double lr, loss, smoothed;
  };
  std::vector<Trial> trials;  ///< in the order of the rates
  bool diverged = false;      ///< ended before end_lr

  /// The rate where the smoothed loss falls most steeply per factor of the rate; none with less than three trials.
  std::optional<double> steepest() const;
};

/// The learning-rate range test (Smith 2017): one step each at rates that rise geometrically from start_lr to end_lr,
/// until the loss diverges or is not finite. `closure` computes the loss and gradients of the next batch. Afterwards
/// parameters and optimizer are as before, also when the closure throws; what else the closure changes (batch norm's
/// statistics, random numbers, the position in the data) stays changed. Throws UsageError for options out of range.
LrRange lr_range_test(Optimizer& optimizer, const Closure& closure, const LrRangeOptions& options = {});

}  // namespace dagrad::optim
