// What a training run tells of itself, epoch by epoch.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dagrad/optim/state.h"

namespace dagrad::nn {

/// The mean loss over some samples, and the metrics that were asked for, by name.
struct Scores {
  double loss = 0;
  std::vector<std::pair<std::string, double>> metrics;

  /// The loss for "loss", else the metric of that name. Throws UsageError for another.
  double at(std::string_view name) const;
};

/// After a step of the optimizer. Everything counts from 1.
struct StepRecord {
  std::int64_t epoch = 0;
  std::int64_t step = 0;        ///< in the epoch
  std::int64_t steps = 0;       ///< that the epoch has
  std::int64_t total_step = 0;  ///< over all epochs
  std::int64_t samples = 0;     ///< of the batch
  double loss = 0;              ///< of the batch
  double mean_loss = 0;         ///< over the epoch's samples so far
  double lr = 0;                ///< of the first group
  double grad_norm = 0;         ///< over all parameters before clipping; 0 unless it is clipped
  bool left_out = false;        ///< by the loss scaler, as the gradients were not finite
};

/// After an epoch.
struct EpochRecord {
  std::int64_t epoch = 0;            ///< from 1
  Scores train;                      ///< while training: with dropout, of changing weights; without the penalties
  std::optional<Scores> validation;  ///< after the epoch, of the averaged weights where they are averaged
  double lr = 0;                     ///< of the first group, in the epoch's last step
  std::int64_t samples = 0;
  double seconds = 0;  ///< without the validation

  double samples_per_second() const { return static_cast<double>(samples) / seconds; }
};

/// `epoch 3  loss 0.1234  accuracy 0.9712  validation loss 0.1401 ...`
std::ostream& operator<<(std::ostream& out, const EpochRecord& record);

/// Why a training ended.
enum class Ending : std::uint8_t {
  not_yet,
  finished,   ///< all epochs are over
  early,      ///< the early stopping saw no more improvement
  requested,  ///< by request_stop()
};

/// A run's epochs.
struct History {
  std::vector<EpochRecord> epochs;
  Ending ending = Ending::not_yet;
  std::int64_t best_epoch = 0;  ///< whose weights the model holds, where an early stopping has put them back; else 0

  /// The values of one column: "loss" or a metric's name.
  std::vector<double> train(std::string_view name = "loss") const;
  /// The same of the validation.
  std::vector<double> validation(std::string_view name = "loss") const;
  /// A table with a header, every number to the bit, for other programs.
  std::string csv() const;

  optim::State state() const;
  [[nodiscard]] std::function<void()> prepare_state(const optim::State& state);
};

/// One line an epoch.
std::ostream& operator<<(std::ostream& out, const History& history);

}  // namespace dagrad::nn
