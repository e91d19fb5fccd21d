#include "tools/schedule_options.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "tools/numbers.h"
#include "tools/option_checks.h"

namespace dagrad::tools {
namespace {

constexpr double kStepGamma = 0.1, kExponentialGamma = 0.9, kWarmupStart = 0.01;

double gamma_of(const ScheduleOptions& o) {
  return o.gamma.value_or(o.schedule == "exponential" ? kExponentialGamma : kStepGamma);
}

std::vector<std::int64_t> milestones_of(const ScheduleOptions& o) {
  return parse_whole_numbers("milestones", o.milestones, 1, 1'000'000, "epochs");
}

void check_belongs(const ScheduleOptions& o) {
  const ScheduleOptions plain;
  Beside("schedule", o.schedule)
      .only("step-size", o.step_size != plain.step_size, {"step"})
      .only("milestones", o.milestones != plain.milestones, {"multi-step"})
      .only("gamma", o.gamma.has_value(), {"step", "multi-step", "exponential", "plateau"})
      .only("power", o.power != plain.power, {"polynomial"})
      .only("min-lr", o.min_lr != plain.min_lr, {"cosine", "warm-restarts", "plateau"})
      .only("period", o.period != plain.period, {"warm-restarts"})
      .only("period-factor", o.period_factor != plain.period_factor, {"warm-restarts"})
      .only("max-lr", o.max_lr.has_value(), {"one-cycle"})
      .only("rise", o.rise != plain.rise, {"one-cycle"})
      .only("plateau-patience", o.plateau_patience != plain.plateau_patience, {"plateau"});
}

/// The schedule without a warm-up, over `steps` steps.
optim::Schedule main_schedule(const ScheduleOptions& o, double lr, double steps_per_epoch, std::int64_t steps) {
  const auto in_steps = [&](double epochs) {
    return std::max<std::int64_t>(1, std::llround(epochs * steps_per_epoch));
  };
  if (o.schedule == "step") return optim::StepLR{.step_size = in_steps(o.step_size), .gamma = gamma_of(o)};
  if (o.schedule == "multi-step") {
    optim::MultiStepLR schedule{.milestones = {}, .gamma = gamma_of(o)};
    for (const std::int64_t epoch : milestones_of(o))
      schedule.milestones.push_back(in_steps(static_cast<double>(epoch)));
    return schedule;
  }
  if (o.schedule == "exponential") return optim::ExponentialLR{.gamma = std::pow(gamma_of(o), 1 / steps_per_epoch)};
  if (o.schedule == "polynomial") return optim::PolynomialLR{.total_iters = steps, .power = o.power};
  if (o.schedule == "cosine") return optim::CosineAnnealingLR{.t_max = steps, .eta_min = o.min_lr};
  if (o.schedule == "warm-restarts") {
    return optim::CosineAnnealingWarmRestarts{
        .t_0 = in_steps(o.period), .t_mult = o.period_factor, .eta_min = o.min_lr};
  }
  if (o.schedule == "one-cycle") {
    return optim::OneCycleLR{
        .max_lr = o.max_lr.value_or(10 * lr), .total_steps = steps, .pct_start = o.rise, .cycle_momentum = false};
  }
  return optim::LambdaLR{.factor = [](std::int64_t) { return 1.0; }};
}

}  // namespace

void describe(ScheduleOptions& o, OptionList& list) {
  list.add("schedule", o.schedule, "NAME",
           "the learning rate over time: none, step, multi-step, exponential, polynomial, cosine, warm-restarts, "
           "one-cycle or plateau; times are in epochs, the rate changes at every step")
      .add("warmup", o.warmup, "E", "raise the rate linearly over the first E epochs, before the schedule")
      .add("step-size", o.step_size, "E", "step: lower the rate every E epochs")
      .add("milestones", o.milestones, "E,E,...", "multi-step: lower it after these epochs")
      .add("gamma", o.gamma, "G",
           "step, multi-step, plateau: multiply the rate by this (0.1); exponential: in each epoch (0.9)")
      .add("power", o.power, "P", "polynomial: lr (1 - t)^P")
      .add("min-lr", o.min_lr, "RATE", "cosine, warm-restarts, plateau: the lowest rate")
      .add("period", o.period, "E", "warm-restarts: begin again after E epochs")
      .add("period-factor", o.period_factor, "N", "warm-restarts: each period is N times as long as the one before")
      .add("max-lr", o.max_lr, "RATE", "one-cycle: the highest rate (ten times --lr)")
      .add("rise", o.rise, "S", "one-cycle: the share of the time in which the rate rises")
      .add("plateau-patience", o.plateau_patience, "E",
           "plateau: how many epochs without a better loss (of validation, where there is one) are borne");
}

void check(const ScheduleOptions& o) {
  check_choice(
      "schedule", o.schedule,
      {"none", "step", "multi-step", "exponential", "polynomial", "cosine", "warm-restarts", "one-cycle", "plateau"});
  check_positive("step-size", o.step_size);
  check_positive("period", o.period);
  check_positive("power", o.power);
  if (o.gamma) check_positive("gamma", *o.gamma);
  if (o.max_lr) check_positive("max-lr", *o.max_lr);
  check_not_negative("min-lr", o.min_lr);
  check_not_negative("warmup", o.warmup);
  check_range("rise", o.rise, o.rise > 0 && o.rise < 1, "0 < share < 1");
  check_at_least("period-factor", o.period_factor, 1);
  check_at_least("plateau-patience", o.plateau_patience, 0);
  check_belongs(o);
  if (o.is_plateau() && o.gamma && *o.gamma >= 1)
    throw UsageError(fmt::format("--gamma: {} (want less than 1 for a plateau)", *o.gamma));
  if (o.is_plateau() && o.warmup > 0) throw UsageError("--warmup: not together with --schedule plateau");
  if (o.schedule == "multi-step" && milestones_of(o).empty())
    throw UsageError("--milestones: none (want at least one, as 5,8)");
}

optim::Schedule make_schedule(const ScheduleOptions& o, double lr, std::int64_t steps_per_epoch, std::int64_t epochs) {
  const auto each = static_cast<double>(steps_per_epoch);
  const std::int64_t steps = steps_per_epoch * epochs,
                     warmup = std::min<std::int64_t>(steps, std::llround(o.warmup * each));
  const optim::Schedule main = main_schedule(o, lr, each, std::max<std::int64_t>(1, steps - warmup));
  if (warmup == 0) return main;
  const optim::LinearLR rise{.start_factor = kWarmupStart, .end_factor = 1, .total_iters = warmup};
  return optim::SequentialLR{.schedules = {rise, main}, .milestones = {warmup}};
}

optim::PlateauOptions plateau_options(const ScheduleOptions& o) {
  return {.factor = gamma_of(o), .patience = o.plateau_patience, .min_lr = o.min_lr};
}

}  // namespace dagrad::tools
