// The usual training loop.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dagrad/nn/data/data_loader.h"
#include "dagrad/nn/module.h"
#include "dagrad/nn/training/checkpoint.h"
#include "dagrad/nn/training/history.h"
#include "dagrad/nn/training/loss_function.h"
#include "dagrad/nn/training/trainer_options.h"
#include "dagrad/optim/lr_scheduler.h"
#include "dagrad/optim/optimizer.h"

namespace dagrad::nn {

class TriedCapture;

/// Trains a model: for each batch of each epoch the gradient of the loss and a step of the optimizer, and around them
/// what the options ask for. A loop of one's own is ten lines; this one saves writing the rest.
///
///   nn::Trainer trainer(net, optimizer, nn::CrossEntropyLoss(), loader,
///                       {.epochs = 20, .validation = split.test, .early_stopping = nn::EarlyStoppingOptions{}});
///   trainer.on_epoch([](const nn::EpochRecord& record) { std::cout << record << "\n"; });
///   trainer.fit();
///
/// With a checkpoint file, a run that was interrupted goes on with `trainer.resume(file); trainer.fit();` on a trainer
/// made in the same way, and gives bit for bit what the uninterrupted one does. Random numbers (of dropout, say) come
/// from the calling thread's default_generator(), which is saved too.
///
/// Model, optimizer and loader must outlive it. Not thread-safe, but for request_stop().
class Trainer {
 public:
  /// Of predictions and targets, a mean over the batch's samples.
  using Loss = LossFunction;

  /// Throws UsageError for options out of range, and where they contradict each other. Messages about the loss name the
  /// line of this call.
  Trainer(Module& model, optim::Optimizer& optimizer, Loss loss, data::DataLoader& loader, TrainerOptions options = {},
          Location where = Location::current());
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Calls `see` after each step, or after each epoch (before its checkpoint is written). They may call request_stop().
  void on_step(std::function<void(const StepRecord&)> see);
  void on_epoch(std::function<void(const EpochRecord&)> see);

  /// Trains until the epochs are over or something stops it. A model in evaluation mode is put into training mode; one
  /// whose parts are in different modes keeps them. Throws Error when the loss is not finite, naming epoch and step,
  /// and what the parts throw; the weights are then those of the last whole step, behind which save() and another fit()
  /// go on.
  const History& fit();

  /// Ends fit() after the present step; with a checkpoint file, the run is saved first. May be called from any thread,
  /// and from a signal handler.
  void request_stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  /// Saves the run as it stands between two steps (the checkpoint options do it during fit()). Throws IoError.
  void save(const std::filesystem::path& file);
  /// Takes over a saved run. Throws IoError when the file is damaged, UsageError that lists everything that does not
  /// fit this trainer's parts; then nothing has been changed.
  void resume(const std::filesystem::path& file);

  /// The model's scores on a dataset, in evaluation mode and without recording, with the metrics of the options or
  /// others.
  Scores evaluate(const data::Dataset& dataset);
  Scores evaluate(const data::Dataset& dataset, const std::vector<std::shared_ptr<metrics::Metric>>& metrics);

  const History& history() const { return history_; }
  /// Loss and train_metrics over the samples of the present epoch so far.
  Scores so_far() const;
  /// Steps of the optimizer over all epochs.
  std::int64_t steps() const { return total_steps_; }
  /// The averaged weights: `optim::Averaged guard(*trainer.average())` puts them into the model for a scope. Null
  /// unless the options ask for them.
  optim::WeightAverage* average() { return average_ ? &*average_ : nullptr; }
  /// With the option `captured`, why steps run as they stand after all; empty: they do not.
  std::string why_not_captured() const;
  /// One sentence about where a run that was stopped stands, and how it goes on.
  std::string how_to_resume() const;

 private:
  struct StepResult {
    double loss = 0, grad_norm = 0;
    bool left_out = false;
    Tensor prediction = {};  // for train_metrics
  };
  /// Of a batch: the loss to report, and the one to differentiate.
  struct Losses {
    Tensor reported, differentiated, prediction;
  };
  Tensor predict(const data::Batch& batch);
  Losses losses_of(const data::Batch& batch);
  Tensor differentiate(const data::Batch& batch, StepResult& result, bool want_finite);
  void capture_steps();
  Tensor replay(const data::Batch& batch, StepResult& result);
  void clip_in_place();
  void check_finite(double loss) const;
  StepResult step(const data::Batch& batch);
  StepResult step_with_closure(const data::Batch& batch);
  void advance_schedule();
  void end_step(const data::Batch& batch, const StepResult& result);
  void end_epoch();
  bool run_steps();
  bool run_epoch();
  void run_epochs();
  double monitored(const EpochRecord& record) const;
  void save_if_due(bool epoch_ended);
  Checkpoint parts();
  optim::State counts() const;
  std::function<void()> prepare_counts(const optim::State& state);

  Module& model_;
  optim::Optimizer& optimizer_;
  Loss loss_;
  Location where_;
  data::DataLoader& loader_;
  TrainerOptions options_;

  std::optional<optim::LRScheduler> scheduler_;
  std::optional<optim::ReduceLROnPlateau> plateau_;
  std::optional<optim::ExponentialAverage> average_;
  std::optional<optim::GradScaler> scaler_;
  std::optional<EarlyStopping> early_stopping_;
  std::unique_ptr<TriedCapture> captured_;  // the gradients of a batch
  std::vector<std::function<void(const StepRecord&)>> step_callbacks_;
  std::vector<std::function<void(const EpochRecord&)>> epoch_callbacks_;

  History history_;
  std::int64_t total_steps_ = 0, saved_at_ = -1;
  // Of the present epoch so far.
  std::int64_t epoch_steps_ = 0, epoch_samples_ = 0;
  double epoch_loss_ = 0;  // the sum over the samples
  double epoch_seconds_ = 0;
  std::atomic<bool> stop_ = false;
  static_assert(std::atomic<bool>::is_always_lock_free, "request_stop() is called from signal handlers");
};

}  // namespace dagrad::nn
