#include "dagrad/optim/lr_range_test.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dagrad/optim/flat_parameters.h"

namespace dagrad::optim {
namespace {

void describe(LrRangeOptions& o, OptionVisitor& visitor) {
  visitor.number("start_lr", o.start_lr, kPositive);
  visitor.number("end_lr", o.end_lr, kPositive);
  visitor.count("steps", o.steps, {[](double x) { return x >= 2; }, "at least 2"});
  visitor.number("smoothing", o.smoothing, kBeta);
  visitor.number("divergence", o.divergence, {[](double x) { return x > 1; }, "more than 1"});
  visitor.require(o.start_lr < o.end_lr, "start_lr is not below end_lr (want start_lr < end_lr)");
}

/// Puts an optimizer back into the state that it had.
class RestoreState {
 public:
  explicit RestoreState(Optimizer& optimizer) : optimizer_(optimizer), state_(optimizer.state()) {}
  ~RestoreState() { optimizer_.load_state(state_); }
  RestoreState(const RestoreState&) = delete;
  RestoreState& operator=(const RestoreState&) = delete;

 private:
  Optimizer& optimizer_;
  State state_;
};

}  // namespace

std::optional<double> LrRange::steepest() const {
  std::optional<double> lr;
  double least = 0;
  for (std::size_t i = 1; i + 1 < trials.size(); ++i) {
    const Trial &a = trials[i - 1], &b = trials[i + 1];
    const double slope = (b.smoothed - a.smoothed) / (std::log(b.lr) - std::log(a.lr));
    if (!lr || slope < least) {
      lr = trials[i].lr;
      least = slope;
    }
  }
  return lr;
}

LrRange lr_range_test(Optimizer& optimizer, const Closure& closure, const LrRangeOptions& options) {
  OptionCheck check("lr_range_test");
  LrRangeOptions checked = options;
  describe(checked, check);
  const Restore parameters(optimizer.parameters());
  const RestoreState state(optimizer);
  LrRange range;
  double mean = 0, power = 1, lowest = std::numeric_limits<double>::infinity();
  const double factor = std::log(options.end_lr / options.start_lr) / static_cast<double>(options.steps - 1);
  for (std::int64_t i = 0; i < options.steps; ++i) {
    const double lr = options.start_lr * std::exp(factor * static_cast<double>(i));
    optimizer.set_lr(lr);
    const double loss = optimizer.step(closure).item<double>();
    mean = options.smoothing * mean + (1 - options.smoothing) * loss;
    power *= options.smoothing;
    const double smoothed = mean / (1 - power);
    range.diverged = !std::isfinite(loss) || (lowest > 0 && smoothed > options.divergence * lowest);
    if (range.diverged) break;
    lowest = std::min(lowest, smoothed);
    range.trials.push_back({lr, loss, smoothed});
  }
  return range;
}

}  // namespace dagrad::optim
