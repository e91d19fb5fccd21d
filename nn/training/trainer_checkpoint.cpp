// Trainer: saving a run and going on with it.
#include <fmt/format.h>

#include "dagrad/nn/training/trainer.h"

namespace dagrad::nn {
namespace {

constexpr const char* kKind = "Trainer";

}  // namespace

optim::State Trainer::counts() const {
  optim::State state{.kind = kKind, .numbers = {}, .tensors = {}};
  state.numbers["steps"] = static_cast<double>(total_steps_);
  state.numbers["epoch.steps"] = static_cast<double>(epoch_steps_);
  state.numbers["epoch.samples"] = static_cast<double>(epoch_samples_);
  state.numbers["epoch.loss"] = epoch_loss_;
  state.numbers["epoch.seconds"] = epoch_seconds_;
  return state;
}

std::function<void()> Trainer::prepare_counts(const optim::State& state) {
  optim::StateReader reader(kKind, state);
  const std::int64_t steps = reader.count("steps"), epoch_steps = reader.count("epoch.steps"),
                     epoch_samples = reader.count("epoch.samples");
  const double epoch_loss = reader.number("epoch.loss"), epoch_seconds = reader.number("epoch.seconds");
  reader.finish();
  return [=, this] {
    total_steps_ = steps;
    epoch_steps_ = epoch_steps;
    epoch_samples_ = epoch_samples;
    epoch_loss_ = epoch_loss;
    epoch_seconds_ = epoch_seconds;
  };
}

Checkpoint Trainer::parts() {
  Checkpoint parts;
  parts.add("model", model_);
  parts.add("optimizer", optimizer_);
  parts.add("loader", loader_);
  parts.add("generator", default_generator());
  parts.add("history", history_);
  parts.add("trainer", {[this] { return counts(); }, [this](const auto& state) { return prepare_counts(state); }});
  for (std::size_t i = 0; i < options_.train_metrics.size(); ++i)
    parts.add(fmt::format("train_metric{}", i), *options_.train_metrics[i]);
  if (scheduler_) parts.add("scheduler", *scheduler_);
  if (plateau_) parts.add("plateau", *plateau_);
  if (average_) parts.add("average", *average_);
  if (scaler_) parts.add("scaler", *scaler_);
  if (early_stopping_) {
    parts.add("early_stopping", {[this] { return early_stopping_->state(); },
                                 [this](const auto& state) { return early_stopping_->prepare_state(state, model_); }});
  }
  return parts;
}

void Trainer::save(const std::filesystem::path& file) {
  parts().save(file, options_.checkpoint.notes);
  if (file == options_.checkpoint.file) saved_at_ = total_steps_;
}

void Trainer::resume(const std::filesystem::path& file) {
  parts().load(file);
  saved_at_ = -1;
}

void Trainer::save_if_due(bool epoch_ended) {
  const CheckpointOptions& o = options_.checkpoint;
  if (o.file.empty()) return;
  const auto epochs = static_cast<std::int64_t>(history_.epochs.size());
  const bool by_steps = o.every_steps > 0 && total_steps_ % o.every_steps == 0;
  const bool by_epochs = epoch_ended && o.every_epochs > 0 && epochs % o.every_epochs == 0;
  if (by_steps || by_epochs || (epoch_ended && epochs == options_.epochs)) save(o.file);
}

std::string Trainer::how_to_resume() const {
  const std::size_t epochs = history_.epochs.size();
  std::string text = epoch_steps_ == 0
                         ? fmt::format("after epoch {}", epochs)
                         : fmt::format("after step {} of {} of epoch {}", epoch_steps_, loader_.size(), epochs + 1);
  text += fmt::format(" (step {} in all)", total_steps_);
  if (saved_at_ != total_steps_) return text + "; not saved (want a file in the checkpoint options)";
  return text +
         fmt::format("; saved in {}: resume() and then fit() go on from there", options_.checkpoint.file.string());
}

}  // namespace dagrad::nn
