// A training, as TensorBoard shows it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tools/network_training.h"
#include "tools/tensorboard.h"

namespace dagrad::tools {

/// Writes each network's graph, a few samples, its rate, gradients, losses and figures, and the histograms of its
/// weights: one run of TensorBoard, in a folder of its own below the folder when there are several.
class TrainBoard {
 public:
  /// Throws IoError when the folder cannot be written. `sample` must outlive it.
  TrainBoard(std::filesystem::path folder, const data::Dataset& sample);

  /// The events, which are then told here as well. They refer to this object.
  TrainingEvents listening(const TrainingEvents& events);

 private:
  void start(const TrainingView& view);
  void step(const TrainingView& view, const nn::StepRecord& step);
  void epoch(const TrainingView& view, const nn::EpochRecord& epoch);

  struct Run {
    explicit Run(const std::filesystem::path& folder) : board(folder) {}
    TensorBoard board;
    std::size_t points = 0;  // of the record, already written
  };
  Run& run_of(const TrainingView& view);

  std::filesystem::path folder_;
  const data::Dataset& sample_;
  std::map<std::string, Run> runs_;
};

}  // namespace dagrad::tools
