// Setting an optimizer's learning rate by a schedule.
#pragma once

#include <functional>
#include <vector>

#include "dagrad/optim/optimizer.h"
#include "dagrad/optim/schedule.h"
#include "dagrad/optim/state.h"

namespace dagrad::optim {

/// Sets the learning rate of every group to schedule(base, t), where base is the group's rate when the scheduler is
/// made, and t counts calls of step(); at once for t = 0. OneCycleLR also sets `momentum`, or the first of `betas`.
///
///   optim::LRScheduler scheduler(optimizer, optim::StepLR{.step_size = 30});
///   for (...) { train(); scheduler.step(); }
class LRScheduler {
 public:
  /// The optimizer must outlive the scheduler. Throws UsageError for a schedule out of range, and for one that sets the
  /// momentum of an optimizer that has none.
  LRScheduler(Optimizer& optimizer, Schedule schedule);

  void step();
  std::int64_t steps() const { return steps_; }
  /// The rates that it set last, one a group.
  std::vector<double> last_lr() const;

  State state() const;
  /// Goes on at the saved step, and sets the rates that belong to it. Throws UsageError, before anything is changed,
  /// for the state of another kind or number of groups.
  void load_state(const State& state) { prepare_state(state)(); }
  /// Checks a state, and returns what takes it over and cannot fail.
  [[nodiscard]] std::function<void()> prepare_state(const State& state);

 private:
  std::vector<double> rates_at(std::int64_t t, const std::vector<double>& bases) const;
  void apply(std::int64_t t, const std::vector<double>& rates);

  Optimizer& optimizer_;
  Schedule schedule_;
  std::vector<double> bases_;
  std::int64_t steps_ = 0;
};

}  // namespace dagrad::optim
