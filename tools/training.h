// One training run.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "tools/data.h"
#include "tools/evaluation.h"
#include "tools/model_file.h"
#include "tools/train_options.h"

namespace dagrad::tools {

struct Score {
  double loss = 0;
  double accuracy = 0;
};

struct EpochResult {
  std::int64_t epoch = 0;
  Score train;  ///< while training, so with dropout and changing weights
  std::optional<Score> validation;
  double seconds = 0;
  double samples_per_second = 0;
};

struct TrainingResult {
  std::vector<EpochResult> epochs;
  Evaluation test;
  Tensor test_outputs;  ///< [N, outputs]
  ModelDescription description;
  std::optional<nn::AnyModule> module;  ///< trained
  std::int64_t parameters = 0;
  double seconds = 0;  ///< of everything: loading, training and testing
  bool interrupted = false;
};

/// What a run tells while it goes on; every function may be empty.
struct TrainingEvents {
  std::function<void(std::int64_t epoch, std::int64_t step, std::int64_t steps, const Score& so_far)> step;
  std::function<void(const EpochResult&)> epoch;
  std::function<bool()> stop;  ///< asked after each step
};

/// Trains and tests. Throws Error when the loss is no number, naming epoch and step.
TrainingResult train(const TrainOptions& options, const LoadedData& data, const TrainingEvents& events);

}  // namespace dagrad::tools
