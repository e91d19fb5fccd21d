// Options: the learning rate over time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dagrad/optim/plateau.h"
#include "dagrad/optim/schedule.h"
#include "tools/option_list.h"

namespace dagrad::tools {

/// Times are in epochs, and may be parts of them: the rate changes at every step.
struct ScheduleOptions {
  std::string schedule = "none";
  double step_size = 3;
  std::string milestones = "5,8";
  std::optional<double> gamma;
  double power = 1;
  double min_lr = 0;
  double period = 5;
  std::int64_t period_factor = 1;
  std::optional<double> max_lr;
  double rise = 0.3;
  std::int64_t plateau_patience = 3;
  double warmup = 0;

  bool is_constant() const { return schedule == "none" && warmup == 0; }
  bool is_plateau() const { return schedule == "plateau"; }
};

void describe(ScheduleOptions& options, OptionList& list);
/// Throws UsageError.
void check(const ScheduleOptions& options);

/// The schedule for steps of training, of which `lr` is the rate at the start; not for a plateau, which follows the
/// loss instead. Throws UsageError.
optim::Schedule make_schedule(const ScheduleOptions& options, double lr, std::int64_t steps_per_epoch,
                              std::int64_t epochs);
optim::PlateauOptions plateau_options(const ScheduleOptions& options);

}  // namespace dagrad::tools
