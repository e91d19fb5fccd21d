// Averages of weights over the steps of a training.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/optim/state.h"

namespace dagrad::optim {

/// Averages of tensors (parameters, and buffers where they are to be averaged too), kept beside them: in f32 for f32
/// and bf16, in f64 for f64. They begin as copies. The tensors and the averages can change places, for evaluating or
/// saving the averaged model:
///
///   { optim::Averaged weights(ema); evaluate(net); }   // ema is an ExponentialAverage of net.parameters()
class WeightAverage {
 public:
  virtual ~WeightAverage() = default;
  WeightAverage(const WeightAverage&) = delete;
  WeightAverage& operator=(const WeightAverage&) = delete;

  /// Takes the present tensors into the averages. Throws UsageError while they are swapped.
  void update();
  /// How often update() was called.
  std::int64_t updates() const { return updates_; }
  /// Like the tensors, in their order.
  const std::vector<Tensor>& averages() const { return averages_; }

  /// Exchanges tensors and averages; again to undo it. A bf16 tensor gets the rounded average, and its own value back.
  void swap();
  bool swapped() const { return swapped_; }

  State state() const;
  /// Throws UsageError, before anything is changed, when the state does not fit.
  void load_state(const State& state) { prepare_state(state)(); }
  /// Checks a state, and returns what takes it over and cannot fail.
  [[nodiscard]] std::function<void()> prepare_state(const State& state);

 protected:
  /// Throws UsageError for no tensors, DTypeError for one that is not floating, ShapeError for one with gaps.
  WeightAverage(std::string_view kind, std::vector<Tensor> tensors);

  /// average += weight * (tensor - average): the weight for update number `n`, from 0.
  virtual double weight(std::int64_t n) const = 0;

 private:
  std::string_view kind_;
  std::vector<Tensor> tensors_;
  std::vector<Tensor> averages_;
  std::vector<Tensor> own_;  // of bf16 tensors, while swapped
  std::int64_t updates_ = 0;
  bool swapped_ = false;
};

struct ExponentialAverageOptions {
  double decay = 0.999;
  bool warm_up = false;  ///< the decay of update n = 0, 1, ... is min(decay, (1 + n) / (10 + n))
};

/// average = decay * average + (1 - decay) * tensor: Polyak averaging with exponential weights.
/// Throws UsageError for a decay outside [0, 1].
class ExponentialAverage final : public WeightAverage {
 public:
  explicit ExponentialAverage(std::vector<Tensor> tensors, const ExponentialAverageOptions& options = {});

 private:
  double weight(std::int64_t n) const override;
  ExponentialAverageOptions options_;
};

/// The mean of the tensors at all updates: stochastic weight averaging (Izmailov et al. 2018), used with SWALR. Batch
/// norms need new statistics for the averaged weights: one pass over the training data, in training mode, while
/// swapped.
class StochasticWeightAverage final : public WeightAverage {
 public:
  explicit StochasticWeightAverage(std::vector<Tensor> tensors);

 private:
  double weight(std::int64_t n) const override;
};

/// For a scope, the tensors hold their averages.
class Averaged {
 public:
  /// Throws UsageError when they are swapped already.
  explicit Averaged(WeightAverage& average);
  ~Averaged();
  Averaged(const Averaged&) = delete;
  Averaged& operator=(const Averaged&) = delete;

 private:
  WeightAverage& average_;
};

}  // namespace dagrad::optim
