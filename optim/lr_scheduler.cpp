#include "dagrad/optim/lr_scheduler.h"

#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/error.h"

namespace dagrad::optim {

LRScheduler::LRScheduler(Optimizer& optimizer, Schedule schedule)
    : optimizer_(optimizer), schedule_(std::move(schedule)) {
  if (schedule_.sets_momentum() && !optimizer.momentum())
    throw UsageError(
        fmt::format("LRScheduler: {} has no momentum to cycle (want cycle_momentum = false, or an optimizer with "
                    "momentum or betas)",
                    optimizer.name()));
  for (std::size_t group = 0; group < optimizer.group_count(); ++group) bases_.push_back(optimizer.lr(group));
  apply(0, rates_at(0, bases_));
}

void LRScheduler::step() {
  if (watched(Watch::capture)) return each_replay("LRScheduler", [this] { step(); });
  apply(steps_ + 1, rates_at(steps_ + 1, bases_));
  ++steps_;
}

// All rates are computed and checked before the first is set.
std::vector<double> LRScheduler::rates_at(std::int64_t t, const std::vector<double>& bases) const {
  if (optimizer_.group_count() != bases.size())
    throw UsageError(fmt::format("LRScheduler: the optimizer has {} groups (want {}, as when the scheduler was made)",
                                 optimizer_.group_count(), bases.size()));
  std::vector<double> rates;
  for (const double base : bases) {
    rates.push_back(schedule_.lr(base, t));
    if (!kRate.holds(rates.back()))
      throw UsageError(
          fmt::format("LRScheduler: the schedule gives {} at step {} (want {})", rates.back(), t, kRate.want));
  }
  return rates;
}

void LRScheduler::apply(std::int64_t t, const std::vector<double>& rates) {
  for (std::size_t group = 0; group < rates.size(); ++group) {
    optimizer_.set_lr(rates[group], group);
    if (schedule_.sets_momentum()) optimizer_.set_momentum(schedule_.momentum(t), group);
  }
}

std::vector<double> LRScheduler::last_lr() const {
  std::vector<double> rates;
  for (const double base : bases_) rates.push_back(schedule_.lr(base, steps_));
  return rates;
}

State LRScheduler::state() const {
  State state{.kind = "LRScheduler", .numbers = {}, .tensors = {}};
  state.numbers["steps"] = static_cast<double>(steps_);
  state.numbers["groups"] = static_cast<double>(bases_.size());
  for (std::size_t group = 0; group < bases_.size(); ++group)
    state.numbers[fmt::format("group{}.base", group)] = bases_[group];
  return state;
}

std::function<void()> LRScheduler::prepare_state(const State& state) {
  StateReader reader("LRScheduler", state);
  reader.expect("groups", static_cast<double>(bases_.size()), "groups");
  const std::int64_t steps = reader.count("steps");
  std::vector<double> bases;
  for (std::size_t group = 0; group < bases_.size(); ++group)
    bases.push_back(reader.number(fmt::format("group{}.base", group)));
  reader.finish();
  std::vector<double> rates = rates_at(steps, bases);
  return [this, steps, bases = std::move(bases), rates = std::move(rates)]() mutable {
    apply(steps, rates);
    steps_ = steps;
    bases_ = std::move(bases);
  };
}

}  // namespace dagrad::optim
