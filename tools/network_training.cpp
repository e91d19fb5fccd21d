#include "tools/network_training.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dagrad/core/capture/capture_error.h"
#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/bagging.h"
#include "dagrad/nn/feature_scaler.h"
#include "dagrad/nn/loss.h"
#include "dagrad/nn/metrics/metrics.h"
#include "tools/model.h"

namespace dagrad::tools {
namespace {

nn::Sequential make_network(const TrainOptions& o, const data::Dataset& train) {
  nn::Sequential network;
  if (o.data.standardize) network.add(nn::FeatureScaler::standardise(train.features));
  if (o.data.min_max) network.add(nn::FeatureScaler::min_max(train.features));
  network.add(make_model(o.model, train));
  network.name_parameters();
  return network;
}

nn::Trainer::Loss make_loss(const TrainOptions& o, bool classifies) {
  if (!classifies) return nn::MSELoss();
  return nn::CrossEntropyLoss({.label_smoothing = o.regularisation.label_smoothing});
}

/// The figure beside the loss. Mixed-up labels are probabilities.
std::shared_ptr<metrics::Metric> make_metric(bool classifies, bool mixed) {
  if (!classifies) return std::make_shared<metrics::R2Score>();
  if (mixed) return std::make_shared<metrics::CategoricalAccuracy>();
  return std::make_shared<metrics::SparseCategoricalAccuracy>();
}

std::vector<nn::PenaltyGroup> make_penalties(const RegularisationOptions& o, const nn::Module& network) {
  if (o.l1 == 0 && o.l2 == 0) return {};
  nn::PenaltyGroup weights{.parameters = {}, .l1 = o.l1, .l2 = o.l2};
  for (const Tensor& parameter : network.parameters()) {
    if (parameter.dim() >= 2) weights.parameters.push_back(parameter);
  }
  return {weights};
}

nn::TrainerOptions make_trainer_options(const TrainOptions& o, const nn::Module& network,
                                        const optim::Optimizer& optimizer, const data::Dataset& validation,
                                        bool classifies, std::int64_t steps_per_epoch) {
  nn::TrainerOptions t;
  t.epochs = o.optimizer.epochs;
  t.validation = validation;
  t.metrics = {make_metric(classifies, false)};
  t.train_metrics = {make_metric(classifies, o.regularisation.mixup > 0)};
  t.penalties = make_penalties(o.regularisation, network);
  t.clip = {.value = o.optimizer.clip_value.value_or(0),
            .norm = o.optimizer.clip_each_norm.value_or(0),
            .global_norm = o.optimizer.clip_norm.value_or(0)};
  if (o.schedule.is_plateau()) {
    t.plateau = plateau_options(o.schedule);
  } else if (!o.schedule.is_constant()) {
    t.schedule = make_schedule(o.schedule, optimizer.lr(), steps_per_epoch, t.epochs);
    t.schedule_per = nn::Per::step;
  }
  if (o.regularisation.patience) {
    t.early_stopping =
        nn::EarlyStoppingOptions{.patience = *o.regularisation.patience, .min_delta = o.regularisation.min_delta};
  }
  if (o.regularisation.ema > 0)
    t.average = optim::ExponentialAverageOptions{.decay = o.regularisation.ema, .warm_up = true};
  t.captured = o.running.captured;
  t.autocast = o.running.bf16;
  t.anomaly = o.running.detect_anomaly;
  t.checkpoint = {.file = o.output.checkpoint_file(),
                  .every_epochs = o.output.checkpoint_every,
                  .notes = {{"run", o.run().dump()}}};
  return t;
}

/// The loop, whose complaints speak of options of the command line.
void fit(nn::Trainer& trainer) {
  try {
    trainer.fit();
  } catch (const CaptureError& error) {
    throw Error(fmt::format("train: {} (want --captured left out)", error.what()));
  } catch (const Error& error) {
    const std::string text = error.what(), trainers = "Trainer: the loss is ";
    if (text.rfind(trainers, 0) != 0) throw;
    throw Error(fmt::format("train: the loss is {} (try a lower --lr, or --clip-norm; --detect-anomaly names the op)",
                            text.substr(trainers.size(), text.find(" (") - trainers.size())));
  }
}

}  // namespace

NetworkRun train_network(const TrainOptions& o, const data::Dataset& all, const data::Dataset& validation,
                         const NetworkPlace& place, const TrainingEvents& events) {
  const std::uint64_t seed = o.running.seed + static_cast<std::uint64_t>(place.index);
  manual_seed(seed);
  const data::Dataset train =
      o.running.bagging ? all.subset(data::bag(all.size(), place.index, o.running.seed).in) : all;
  const bool classifies = train.classes > 0;
  NetworkRun run{place.name, make_network(o, train), {}, RunRecord(o.optimizer.epochs, !o.output.report.empty())};
  const auto optimizer = make_optimizer(o.optimizer, run.network.parameters());
  data::DataLoader loader(train, {.batch_size = o.optimizer.batch_size,
                                  .seed = seed,
                                  .transform = make_transform(o.regularisation, train),
                                  .workers = o.running.workers});
  nn::Trainer trainer(run.network, *optimizer, make_loss(o, classifies), loader,
                      make_trainer_options(o, run.network, *optimizer, validation, classifies, loader.size()));
  if (!o.output.resume.empty()) trainer.resume(o.output.resume);
  run.record.start(run.network);
  const TrainingView view{place.name, run.network, trainer, run.record};
  if (events.start) events.start(view);
  trainer.on_step([&](const nn::StepRecord& step) {
    run.record.step(step, *optimizer);
    if (events.step) events.step(view, step);
    if (events.stop && events.stop()) trainer.request_stop();
  });
  trainer.on_epoch([&](const nn::EpochRecord& epoch) {
    run.record.epoch(epoch, run.network);
    if (events.epoch) events.epoch(view, epoch);
  });
  fit(trainer);
  run.history = trainer.history();
  run.steps = trainer.steps();
  run.why_not_captured = trainer.why_not_captured();
  // The best epoch's weights, which an early stopping has put back, are averages already.
  if (trainer.average() != nullptr && run.history.best_epoch == 0) trainer.average()->swap();
  run.network.eval();
  return run;
}

}  // namespace dagrad::tools
