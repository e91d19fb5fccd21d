// Ctrl-C ends a training after the step it is at.
#pragma once

#include "dagrad/nn/training/trainer.h"

namespace dagrad::nn {

/// For a scope, SIGINT and SIGTERM only call trainer.request_stop(): the step is finished, the run saved if there is a
/// checkpoint file, and fit() returns. A second signal does what it did before the scope: as a rule it ends the
/// program.
///
///   const nn::StopOnSignal guard(trainer);
///   if (trainer.fit().ending == nn::Ending::requested) std::cerr << trainer.how_to_resume() << "\n";
class StopOnSignal {
 public:
  /// Throws UsageError when there is another one: signals are the process's.
  explicit StopOnSignal(Trainer& trainer);
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
};

}  // namespace dagrad::nn
