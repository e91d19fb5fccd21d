#include "dagrad/nn/training/trainer.h"

#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/autocast.h"
#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/training/tried_capture.h"
#include "dagrad/ops/operators.h"
#include "dagrad/optim/clip.h"

namespace dagrad::nn {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

[[noreturn]] void refuse(const std::string& what) { throw UsageError("Trainer: " + what); }

/// What is to be monitored will be there.
void check_monitor(const TrainerOptions& o) {
  Scores scores;
  for (const auto& metric : o.validation.size() > 0 ? o.metrics : o.train_metrics)
    scores.metrics.emplace_back(metric->name(), 0);
  static_cast<void>(scores.at(o.monitor));
}

void check_options(const TrainerOptions& o, const optim::Optimizer& optimizer) {
  if (o.epochs < 0) refuse(fmt::format("{} epochs (want at least 0)", o.epochs));
  if (o.evaluation_batch < 1) refuse(fmt::format("evaluation_batch is {} (want at least 1)", o.evaluation_batch));
  for (const double bound : {o.clip.value, o.clip.norm, o.clip.global_norm}) {
    if (!(bound >= 0)) refuse(fmt::format("gradients are clipped at {} (want more than 0, or 0 for not)", bound));
  }
  if (o.checkpoint.every_epochs < 0 || o.checkpoint.every_steps < 0) {
    refuse(fmt::format("a checkpoint every {} epochs, every {} steps (want at least 0)", o.checkpoint.every_epochs,
                       o.checkpoint.every_steps));
  }
  if (o.validation.size() > 0) o.validation.check("Trainer");
  if (o.plateau || o.early_stopping) check_monitor(o);
  if (o.schedule && o.plateau) refuse("a schedule and a plateau would both set the rate (want one of them)");
  if (o.scaler && optimizer.needs_closure())
    refuse(
        fmt::format("{} evaluates the loss itself, so that nothing can be scaled (want no scaler)", optimizer.name()));
}

/// Flushes denormals for a scope.
class FlushDenormals {
 public:
  explicit FlushDenormals(bool on) : before_(flush_denormals()), changes_(on != before_) {
    if (changes_) set_flush_denormals(on);
  }
  ~FlushDenormals() {
    if (changes_) set_flush_denormals(before_);
  }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  bool before_, changes_;
};

void check_loss(const Tensor& loss) {
  if (loss.numel() != 1)
    refuse(fmt::format("the loss has shape {} (want one number, as of Reduction::mean)", loss.shape().str()));
}

}  // namespace

Trainer::Trainer(Module& model, optim::Optimizer& optimizer, Loss loss, data::DataLoader& loader,
                 TrainerOptions options, Location where)
    : model_(model),
      optimizer_(optimizer),
      loss_(std::move(loss)),
      where_(where),
      loader_(loader),
      options_(std::move(options)) {
  check_options(options_, optimizer_);
  if (options_.schedule) scheduler_.emplace(optimizer_, *options_.schedule);
  if (options_.plateau) plateau_.emplace(optimizer_, *options_.plateau);
  if (options_.average) average_.emplace(model_.parameters(), *options_.average);
  if (options_.scaler) scaler_.emplace(*options_.scaler);
  if (options_.early_stopping) early_stopping_.emplace(*options_.early_stopping);
  if (options_.captured) capture_steps();
}

void Trainer::on_step(std::function<void(const StepRecord&)> see) { step_callbacks_.push_back(std::move(see)); }
void Trainer::on_epoch(std::function<void(const EpochRecord&)> see) { epoch_callbacks_.push_back(std::move(see)); }

// --- a step ---

Tensor Trainer::predict(const data::Batch& batch) {
  return options_.forward ? options_.forward(batch) : model_(batch.features);
}

Trainer::Losses Trainer::losses_of(const data::Batch& batch) {
  Losses losses;
  {
    const Autocast cast(options_.autocast || autocast_enabled());
    const Tensor prediction = predict(batch);
    if (!options_.train_metrics.empty()) losses.prediction = prediction.detach();
    losses.reported = loss_(prediction, batch.labels, where_);
  }
  check_loss(losses.reported);
  losses.differentiated = options_.penalties.empty() ? losses.reported : losses.reported + penalty(options_.penalties);
  return losses;
}

/// The loss and, with recording on, its gradients in place of those there were.
Tensor Trainer::differentiate(const data::Batch& batch, StepResult& result, bool want_finite) {
  if (captured_) {
    if (Tensor loss = replay(batch, result)) {
      if (want_finite) check_finite(result.loss);
      return loss;
    }
  }
  optimizer_.zero_grad();
  const Losses losses = losses_of(batch);
  result.loss = losses.reported.item<double>();
  result.prediction = losses.prediction;
  if (want_finite) check_finite(result.loss);
  const Tensor& loss = losses.differentiated;
  if (grad_enabled()) scaler_ ? scaler_->backward(loss) : loss.backward();
  return loss;
}

void Trainer::clip_in_place() {
  const auto& parameters = optimizer_.parameters();
  if (options_.clip.value > 0) optim::clip_grad_value_(parameters, options_.clip.value);
  if (options_.clip.norm > 0) optim::clip_each_grad_norm_(parameters, options_.clip.norm);
}

Trainer::StepResult Trainer::step(const data::Batch& batch) {
  StepResult result;
  optim::StepOptions step;
  differentiate(batch, result, true);
  const GradientClipping& clip = options_.clip;
  const bool in_place = clip.value > 0 || clip.norm > 0;
  if (scaler_ && in_place) scaler_->unscale_(optimizer_);
  if (in_place) clip_in_place();
  if (clip.global_norm > 0) {
    const double scale = scaler_ && !in_place ? scaler_->scale() : 1;
    result.grad_norm = optim::grad_norm(optimizer_.parameters()) / scale;
    // Names the parameter. A scaler leaves such a step out instead.
    if (!scaler_ && !std::isfinite(result.grad_norm))
      optim::clip_grad_norm_(optimizer_.parameters(), clip.global_norm, {.error_if_nonfinite = true});
    step.grad_scale = optim::clip_coefficient(result.grad_norm, clip.global_norm);
  }
  if (!scaler_) {
    optimizer_.step(step);
    return result;
  }
  result.left_out = !scaler_->step(optimizer_, step);
  scaler_->update();
  return result;
}

/// For optimizers that evaluate several times. What is reported is of the first.
Trainer::StepResult Trainer::step_with_closure(const data::Batch& batch) {
  std::optional<StepResult> first;
  optimizer_.step([&] {
    StepResult result;
    // A line search may look at places where the loss is not finite; it must not start at one.
    Tensor loss = differentiate(batch, result, !first);
    if (grad_enabled()) {
      clip_in_place();
      if (options_.clip.global_norm > 0)
        result.grad_norm = optim::clip_grad_norm_(optimizer_.parameters(), options_.clip.global_norm);
    }
    if (!first) first = result;
    return loss;
  });
  return *first;
}

void Trainer::check_finite(double loss) const {
  if (std::isfinite(loss)) return;
  throw Error(
      fmt::format("Trainer: the loss is {} in epoch {}, step {} (try a lower rate, or clipping; the option anomaly "
                  "names the op)",
                  std::isnan(loss) ? NAN : loss, history_.epochs.size() + 1, epoch_steps_ + 1));
}

/// The schedule's time is the number of steps, or epochs, before the present one.
void Trainer::advance_schedule() {
  if (!scheduler_) return;
  const std::int64_t time =
      options_.schedule_per == Per::step ? total_steps_ : static_cast<std::int64_t>(history_.epochs.size());
  while (scheduler_->steps() < time) scheduler_->step();
}

void Trainer::end_step(const data::Batch& batch, const StepResult& result) {
  ++total_steps_;
  ++epoch_steps_;
  epoch_samples_ += batch.size();
  epoch_loss_ += result.loss * static_cast<double>(batch.size());
  for (const auto& metric : options_.train_metrics) metric->update(batch.labels, result.prediction);
  if (average_ && !result.left_out) average_->update();
  if (step_callbacks_.empty()) return;
  const StepRecord record{.epoch = static_cast<std::int64_t>(history_.epochs.size()) + 1,
                          .step = epoch_steps_,
                          .steps = loader_.size(),
                          .total_step = total_steps_,
                          .samples = batch.size(),
                          .loss = result.loss,
                          .mean_loss = epoch_loss_ / static_cast<double>(epoch_samples_),
                          .lr = optimizer_.lr(),
                          .grad_norm = result.grad_norm,
                          .left_out = result.left_out};
  for (const auto& see : step_callbacks_) see(record);
}

// --- an epoch ---

Scores Trainer::so_far() const {
  Scores scores{.loss = epoch_loss_ / static_cast<double>(epoch_samples_), .metrics = {}};
  for (const auto& metric : options_.train_metrics) scores.metrics.emplace_back(metric->name(), metric->result());
  return scores;
}

double Trainer::monitored(const EpochRecord& record) const {
  return (record.validation ? *record.validation : record.train).at(options_.monitor);
}

void Trainer::end_epoch() {
  EpochRecord record{.epoch = static_cast<std::int64_t>(history_.epochs.size()) + 1,
                     .train = so_far(),
                     .validation = {},
                     .lr = optimizer_.lr(),
                     .samples = epoch_samples_,
                     .seconds = epoch_seconds_};
  {
    std::optional<optim::Averaged> averaged;
    if (average_) averaged.emplace(*average_);
    if (options_.validation.size() > 0) record.validation = evaluate(options_.validation);
    if (early_stopping_) early_stopping_->update(monitored(record), model_);
  }
  if (plateau_) plateau_->step(monitored(record));
  history_.epochs.push_back(record);
  epoch_steps_ = epoch_samples_ = 0;
  epoch_loss_ = epoch_seconds_ = 0;
  for (const auto& metric : options_.train_metrics) metric->reset();
  for (const auto& see : epoch_callbacks_) see(record);
  save_if_due(true);
}

/// The steps of the epoch that are left. Returns false when it was stopped on the way.
bool Trainer::run_steps() {
  const auto start = Clock::now();
  const double seconds_before = epoch_seconds_;
  for (const data::Batch& batch : loader_) {
    advance_schedule();
    end_step(batch, optimizer_.needs_closure() ? step_with_closure(batch) : step(batch));
    epoch_seconds_ = seconds_before + seconds_since(start);
    // What falls on an epoch's end is done when the epoch is closed.
    if (epoch_steps_ == loader_.size()) break;
    save_if_due(false);
    if (stop_.load(std::memory_order_relaxed)) return false;
  }
  return true;
}

/// Returns false when it was stopped on the way. However it ends, the next call goes on behind the last whole step.
bool Trainer::run_epoch() {
  // A loop of somebody else's may have ended within its epoch.
  if (epoch_steps_ == 0) loader_.set_epoch(loader_.epoch());
  const std::int64_t epoch = loader_.epoch();
  const auto go_on_here = [&] {
    if (epoch_steps_ < loader_.size()) loader_.set_position({epoch, epoch_steps_});
  };
  try {
    if (epoch_steps_ < loader_.size() && !run_steps()) {
      go_on_here();
      return false;
    }
  } catch (...) {
    go_on_here();
    throw;
  }
  end_epoch();
  return true;
}

void Trainer::run_epochs() {
  while (true) {
    const auto done = static_cast<std::int64_t>(history_.epochs.size());
    if (early_stopping_ && early_stopping_->stopped()) {
      history_.ending = Ending::early;
      return;
    }
    if (done >= options_.epochs) {
      history_.ending = Ending::finished;
      return;
    }
    if (stop_.load(std::memory_order_relaxed) || !run_epoch()) {
      if (!options_.checkpoint.file.empty() && saved_at_ != total_steps_) save(options_.checkpoint.file);
      history_.ending = Ending::requested;
      return;
    }
  }
}

const History& Trainer::fit() {
  history_.ending = Ending::not_yet;
  history_.best_epoch = 0;
  if (!model_.is_training()) model_.train();
  const FlushDenormals flush(options_.flush_denormals || flush_denormals());
  std::optional<AnomalyMode> anomaly;
  if (options_.anomaly) anomaly.emplace();
  run_epochs();
  stop_ = false;
  const bool is_over = history_.ending != Ending::requested;
  if (is_over && early_stopping_ && options_.early_stopping->restore_best && early_stopping_->best_epoch() >= 0) {
    early_stopping_->restore(model_);
    history_.best_epoch = early_stopping_->best_epoch() + 1;
  }
  return history_;
}

}  // namespace dagrad::nn
