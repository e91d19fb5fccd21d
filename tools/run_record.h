// What a training looked like over time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dagrad/nn/module.h"
#include "dagrad/nn/training/history.h"
#include "dagrad/optim/optimizer.h"
#include "tools/chart.h"

namespace dagrad::tools {

/// One step of some.
struct StepPoint {
  double epoch = 0;  ///< and the part of it that was over
  double lr = 0;
  double grad_norm = 0;  ///< of all gradients together; by value or each by itself clipped, as they were afterwards
};

/// The elements of one parameter at some moments.
struct ParameterHistory {
  std::string name;
  std::vector<Histogram> moments;
};

/// Looks at a training now and then: about twenty times an epoch at rate and gradients, about eight times in all at the
/// weights, so that it costs next to nothing.
class RunRecord {
 public:
  /// `epochs` is how many are planned. Weights are looked at when `with_weights`. Model and optimizer must outlive the
  /// calls of start(), step() and epoch(), but not the record.
  RunRecord(std::int64_t epochs, bool with_weights) : epochs_(epochs), with_weights_(with_weights) {}

  void start(const nn::Module& model);
  void step(const nn::StepRecord& step, const optim::Optimizer& optimizer);
  void epoch(const nn::EpochRecord& epoch, const nn::Module& model);

  const std::vector<StepPoint>& steps() const { return steps_; }
  /// Of the parameters with two axes or more, in the order of the model.
  const std::vector<ParameterHistory>& parameters() const { return parameters_; }
  /// The latest norm seen; 0 before the first.
  double grad_norm() const { return steps_.empty() ? 0 : steps_.back().grad_norm; }

 private:
  void look_at_weights(const nn::Module& model, const std::string& moment);

  std::int64_t epochs_;
  bool with_weights_;
  std::vector<StepPoint> steps_;
  std::vector<ParameterHistory> parameters_;
};

}  // namespace dagrad::tools
