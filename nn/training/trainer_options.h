// What a Trainer may be asked to do besides the plain loop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/early_stopping.h"
#include "dagrad/nn/io/safetensors.h"
#include "dagrad/nn/metrics/metric.h"
#include "dagrad/nn/penalty.h"
#include "dagrad/optim/average.h"
#include "dagrad/optim/grad_scaler.h"
#include "dagrad/optim/plateau.h"
#include "dagrad/optim/schedule.h"

namespace dagrad::nn {

/// Bounds for gradients, applied in this order; 0 leaves one out.
struct GradientClipping {
  double value = 0;        ///< of each element's magnitude
  double norm = 0;         ///< of each parameter's gradient
  double global_norm = 0;  ///< of all gradients together; costs no pass of its own, as it goes into the step
};

/// When a schedule goes on.
enum class Per : std::uint8_t { step, epoch };

/// Where and when the run is saved.
struct CheckpointOptions {
  std::filesystem::path file = {};  ///< empty: never
  std::int64_t every_epochs = 1;    ///< 0: not at the ends of epochs
  std::int64_t every_steps = 0;     ///< 0: not within epochs
  io::Metadata notes = {};          ///< texts that go into the file
};

struct TrainerOptions {
  std::int64_t epochs = 1;

  data::Dataset validation = {};                                     ///< empty: none; evaluated after each epoch
  std::int64_t evaluation_batch = 1000;                              ///< samples at once in an evaluation
  std::vector<std::shared_ptr<metrics::Metric>> metrics = {};        ///< of evaluations
  std::vector<std::shared_ptr<metrics::Metric>> train_metrics = {};  ///< of each step's predictions: they cost time

  /// The prediction for a batch; empty: model(batch.features).
  std::function<Tensor(const data::Batch& batch)> forward = {};
  std::vector<PenaltyGroup> penalties = {};  ///< added to the loss that is differentiated
  GradientClipping clip = {};

  std::optional<optim::Schedule> schedule = {};
  Per schedule_per = Per::epoch;
  std::optional<optim::PlateauOptions> plateau = {};        ///< looks at `monitor`, each epoch
  std::optional<EarlyStoppingOptions> early_stopping = {};  ///< looks at `monitor`, each epoch
  /// What they look at: "loss" or a metric's name, of the validation where there is one, else of the training.
  std::string monitor = "loss";
  /// An average of the parameters, taken after each step; evaluations are of it, and so is what an early stopping
  /// keeps.
  std::optional<optim::ExponentialAverageOptions> average = {};

  /// Captures the forward and the backward of a step and replays them, with the same results to the last bit: faster
  /// where ops are small (see CapturedStep). The loss must then depend on nothing that changes from step to step but
  /// tensors (of a batch, features and labels), and what else model and loss do (prints, counters, hooks) they do in
  /// the first steps only. Where those show that a step cannot be captured, steps run as they stand, and
  /// Trainer::why_not_captured() tells; one whose shapes depend on values may throw CaptureError later.
  bool captured = false;

  bool autocast = false;  ///< the forward in bf16 where that suits an op
  std::optional<optim::GradScalerOptions> scaler = {};
  bool anomaly = false;         ///< stops at the first NaN and names the op
  bool flush_denormals = true;  ///< numbers below 1e-38 count as 0 during fit(), as they only cost time

  CheckpointOptions checkpoint = {};
};

}  // namespace dagrad::nn
