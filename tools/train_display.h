// What dagrad train shows while it works, and at its end.
#pragma once

#include <string>

#include "tools/json_lines.h"
#include "tools/progress.h"
#include "tools/training.h"

namespace dagrad::tools {

/// Turns a training's events into a bar or lines on standard error and into JSON.
class TrainDisplay {
 public:
  /// Both must outlive it.
  TrainDisplay(const TrainOptions& options, JsonLines& json);

  /// Functions that refer to this object.
  TrainingEvents events();
  /// Before results are printed.
  void finish() { progress_.clear(); }

 private:
  void see_step(const TrainingView& view, const nn::StepRecord& step);
  void see_epoch(const TrainingView& view, const nn::EpochRecord& epoch);
  void begin(const std::string& name);

  JsonLines& json_;
  Progress progress_;
  std::int64_t samples_ = 0;  // since the epoch began, or was taken up
  std::chrono::steady_clock::time_point epoch_start_ = std::chrono::steady_clock::now();
};

/// The lines of the result.
std::string result_text(const TrainOptions& options, const TrainingResult& result);
/// The last object of the JSON.
nlohmann::ordered_json result_json(const TrainOptions& options, const TrainingResult& result);
/// The command that goes on with a run whose checkpoint was written.
std::string resume_command(const TrainOptions& options);

}  // namespace dagrad::tools
