// Ending the training when it no longer helps.
#pragma once

#include <cstdint>
#include <functional>

#include "dagrad/nn/io/named_tensors.h"
#include "dagrad/nn/module.h"
#include "dagrad/optim/state.h"

namespace dagrad::nn {

enum class Goal { minimise, maximise };

struct EarlyStoppingOptions {
  std::int64_t patience = 10;  ///< after how many values without an improvement to stop
  double min_delta = 0;        ///< what counts as one: better than the best by more than this
  Goal goal = Goal::minimise;
  bool restore_best = true;  ///< keep the state of the best, for restore()
};

/// Watches a figure of the validation part, epoch by epoch:
///
///   EarlyStopping stopping({.patience = 5});
///   do train_epoch(net); while (!stopping.update(validation_loss(net), net));
///   stopping.restore(net);
class EarlyStopping {
 public:
  /// Throws UsageError unless patience >= 1 and min_delta >= 0.
  explicit EarlyStopping(const EarlyStoppingOptions& options = {});

  /// Takes the figure after an epoch; returns whether to stop. NaN is never an improvement.
  bool update(double value, const Module& module);
  /// Puts the state of the best epoch (parameters and buffers) back into `module`. Throws UsageError before there is
  /// one, or when it was not kept.
  void restore(Module& module) const;

  bool stopped() const { return waited_ >= options_.patience; }
  double best() const { return best_; }
  /// The epoch of the best value, counted from 0; -1 before there is one.
  std::int64_t best_epoch() const { return best_epoch_; }

  optim::State state() const;
  /// Checks that a state is one of an early stopping of `module`, and returns what takes it over and cannot fail.
  /// Throws UsageError.
  [[nodiscard]] std::function<void()> prepare_state(const optim::State& state, Module& module);

 private:
  EarlyStoppingOptions options_;
  double best_;
  std::int64_t epoch_ = 0, best_epoch_ = -1, waited_ = 0;
  io::NamedTensors state_;
};

}  // namespace dagrad::nn
