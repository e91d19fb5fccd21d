// Training one network.
#pragma once

#include <functional>
#include <string>

#include "dagrad/nn/sequential.h"
#include "dagrad/nn/training/trainer.h"
#include "tools/run_record.h"
#include "tools/train_options.h"

namespace dagrad::tools {

/// What can be looked at while a network is trained.
struct TrainingView {
  const std::string& name;  ///< of the network, see NetworkRun
  nn::Sequential& network;
  const nn::Trainer& trainer;
  const RunRecord& record;
};

/// What a training tells while it goes on; every function may be empty.
struct TrainingEvents {
  std::function<void(const TrainingView&)> start;
  std::function<void(const TrainingView&, const nn::StepRecord&)> step;
  std::function<void(const TrainingView&, const nn::EpochRecord&)> epoch;
  /// Asked after each step: whether to end there.
  std::function<bool()> stop;
};

/// Which network, of how many: members of an ensemble and folds differ in what they draw at random.
struct NetworkPlace {
  std::string name;  ///< "fold 2 of 5", "member 1 of 3"; empty for the only one
  std::int64_t index = 0;
};

struct NetworkRun {
  std::string name;
  nn::Sequential network;  ///< with its scaler, if there is one; trained, in evaluation mode
  nn::History history;
  RunRecord record;
  std::int64_t steps = 0;  ///< of the optimizer
  /// With the option `captured`, why its steps ran as they stand after all; empty: they did not.
  std::string why_not_captured = {};
  bool interrupted() const { return history.ending == nn::Ending::requested; }
};

/// Trains a network on `train`, with `validation` (which may be empty) watched. Takes up the checkpoint that the
/// options name, and writes one where they ask for it. Throws Error when the loss is no number, naming epoch and step.
NetworkRun train_network(const TrainOptions& options, const data::Dataset& train, const data::Dataset& validation,
                         const NetworkPlace& place, const TrainingEvents& events);

}  // namespace dagrad::tools
