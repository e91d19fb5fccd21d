// The options of `dagrad train`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/data_options.h"
#include "tools/model_options.h"
#include "tools/optimizer_options.h"
#include "tools/output_options.h"
#include "tools/regularisation_options.h"
#include "tools/running_options.h"
#include "tools/schedule_options.h"

namespace dagrad::tools {

/// Everything that decides a run.
struct TrainOptions {
  DataOptions data;
  ModelOptions model;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  RegularisationOptions regularisation;
  RunningOptions running;
  OutputOptions output;

  /// The values by group (without output's, which do not decide the result), for saving.
  nlohmann::ordered_json run() const;
  /// The same in one list, as text.
  std::vector<std::pair<std::string, std::string>> listed() const;
  /// Whether the result is chosen by the validation part.
  bool needs_validation() const { return regularisation.patience.has_value(); }
};

/// The options from the command line and from the file that --config names (the command line wins), checked.
/// Empty when help was asked for and printed. Throws UsageError with a suggestion for an unknown option, and for values
/// out of range; IoError for the file.
std::optional<TrainOptions> parse_train_options(const std::vector<std::string>& arguments);

/// The options that run() gave, checked. Throws IoError beginning with `who`.
TrainOptions options_of_run(const nlohmann::ordered_json& run, const std::string& who);

}  // namespace dagrad::tools
