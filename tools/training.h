// A training as the options describe it: of one network, of an ensemble, or of folds.
#pragma once

#include <optional>
#include <vector>

#include "dagrad/nn/any_module.h"
#include "tools/data.h"
#include "tools/evaluation.h"
#include "tools/model_file.h"
#include "tools/network_training.h"

namespace dagrad::tools {

struct TrainingResult {
  std::vector<NetworkRun> runs;         ///< one; or one for each member or fold
  std::vector<Evaluation> evaluations;  ///< of each member on the test part, of each fold on what it held back
  std::optional<Evaluation> test;       ///< of the model; none for folds
  Tensor test_outputs;                  ///< [N, outputs], of the model
  std::optional<nn::AnyModule> model;   ///< trained; none for folds
  ModelDescription description;
  std::int64_t parameters = 0;
  double seconds = 0;  ///< of training and testing

  bool interrupted() const { return !runs.empty() && runs.back().interrupted(); }
  /// See NetworkRun; of several networks, of the first that was not captured.
  std::string why_not_captured() const;
  /// Accuracy, or R2: of the model, or over the folds.
  double mean_figure() const;
  double deviation_of_figure() const;
};

/// Accuracy, or R2 of numbers.
double main_figure(const Evaluation& evaluation);

/// Sets threads and generators, trains and tests. Throws Error when the loss is no number, naming epoch and step.
TrainingResult train(const TrainOptions& options, const LoadedData& data, const TrainingEvents& events);

}  // namespace dagrad::tools
