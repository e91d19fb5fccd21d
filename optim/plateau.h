// Lowering the learning rate when a measure no longer improves.
#pragma once

#include <functional>
#include <limits>
#include <vector>

#include "dagrad/optim/optimizer.h"
#include "dagrad/optim/state.h"

namespace dagrad::optim {

enum class PlateauMode : std::uint8_t { min, max };
enum class ThresholdMode : std::uint8_t { rel, abs };

struct PlateauOptions {
  PlateauMode mode = PlateauMode::min;  ///< whether lower or higher is better
  double factor = 0.1;
  std::int64_t patience = 10;  ///< steps without improvement that are borne
  double threshold = 1e-4;     ///< better means by more than this: times best (rel), or as it is (abs)
  ThresholdMode threshold_mode = ThresholdMode::rel;
  std::int64_t cooldown = 0;  ///< steps after a reduction that do not count
  double min_lr = 0;
  double eps = 1e-8;  ///< a change of the rate by less is left out
};

/// Multiplies every group's rate by `factor` (down to min_lr) when the metric has not improved for more than `patience`
/// steps. Relative improvement is metric < best (1 - threshold), or > best (1 + threshold). A NaN is no improvement.
/// PyTorch's ReduceLROnPlateau.
class ReduceLROnPlateau {
 public:
  /// The optimizer must outlive it. Throws UsageError for a factor outside [0, 1) and negative numbers.
  explicit ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options = {});

  /// Once an epoch, with a validation loss, say. Returns whether a rate was lowered.
  bool step(double metric);
  double best() const { return best_; }

  State state() const;
  /// Throws UsageError, before anything is changed, for the state of another kind. The rates are the optimizer's state.
  void load_state(const State& state) { prepare_state(state)(); }
  /// Checks a state, and returns what takes it over and cannot fail.
  [[nodiscard]] std::function<void()> prepare_state(const State& state);

 private:
  bool is_better(double metric) const;
  bool reduce();

  Optimizer& optimizer_;
  PlateauOptions options_;
  double best_;
  std::int64_t bad_steps_ = 0;
  std::int64_t cooling_ = 0;
};

}  // namespace dagrad::optim
