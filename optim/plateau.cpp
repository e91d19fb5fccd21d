#include "dagrad/optim/plateau.h"

#include <algorithm>
#include <cmath>

namespace dagrad::optim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void describe(PlateauOptions& o, OptionVisitor& visitor) {
  visitor.number("factor", o.factor, {[](double x) { return x >= 0 && x < 1; }, "0 <= factor < 1"});
  visitor.count("patience", o.patience, kNonNegative);
  visitor.number("threshold", o.threshold, kNonNegative);
  visitor.count("cooldown", o.cooldown, kNonNegative);
  visitor.number("min_lr", o.min_lr, kRate);
  visitor.number("eps", o.eps, kNonNegative);
}

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options)
    : optimizer_(optimizer), options_(options), best_(options.mode == PlateauMode::min ? kInfinity : -kInfinity) {
  OptionCheck check("ReduceLROnPlateau");
  describe(options_, check);
}

bool ReduceLROnPlateau::is_better(double metric) const {
  const bool lower = options_.mode == PlateauMode::min;
  // An infinite best is that of no step yet.
  if (std::isinf(best_)) return lower ? metric < best_ : metric > best_;
  const double margin = options_.threshold_mode == ThresholdMode::rel ? options_.threshold * best_ : options_.threshold;
  return lower ? metric < best_ - margin : metric > best_ + margin;
}

bool ReduceLROnPlateau::step(double metric) {
  if (is_better(metric)) {
    best_ = metric;
    bad_steps_ = 0;
  } else {
    ++bad_steps_;
  }
  if (cooling_ > 0) {
    --cooling_;
    bad_steps_ = 0;
  }
  if (bad_steps_ <= options_.patience) return false;
  cooling_ = options_.cooldown;
  bad_steps_ = 0;
  return reduce();
}

bool ReduceLROnPlateau::reduce() {
  bool lowered = false;
  for (std::size_t group = 0; group < optimizer_.group_count(); ++group) {
    const double before = optimizer_.lr(group), after = std::max(before * options_.factor, options_.min_lr);
    if (before - after <= options_.eps) continue;
    optimizer_.set_lr(after, group);
    lowered = true;
  }
  return lowered;
}

State ReduceLROnPlateau::state() const {
  State state{.kind = "ReduceLROnPlateau", .numbers = {}, .tensors = {}};
  state.numbers["best"] = best_;
  state.numbers["bad_steps"] = static_cast<double>(bad_steps_);
  state.numbers["cooling"] = static_cast<double>(cooling_);
  return state;
}

std::function<void()> ReduceLROnPlateau::prepare_state(const State& state) {
  StateReader reader("ReduceLROnPlateau", state);
  const double best = reader.number("best");
  const std::int64_t bad_steps = reader.count("bad_steps"), cooling = reader.count("cooling");
  reader.finish();
  return [this, best, bad_steps, cooling] {
    best_ = best;
    bad_steps_ = bad_steps;
    cooling_ = cooling;
  };
}

}  // namespace dagrad::optim
