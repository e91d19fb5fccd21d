// A Trainer that captures its steps gives what it gives without, to the last bit.
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/metrics/metrics.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"
#include "nn/training/small_run.h"
#include "optim/all_optimizers.h"
#include "scratch_folder.h"

namespace dagrad::nn {
namespace {

class CapturedTrainer : public ScratchFolder {
 protected:
  std::string bits_of(SmallRunOptions options, bool captured) const {
    options.trainer.captured = captured;
    SmallRun run(options);
    run.trainer.fit();
    EXPECT_EQ(run.trainer.why_not_captured(), "");
    return run.bits(folder_ / "run.safetensors");
  }
  void expect_the_same_bits(const SmallRunOptions& options) const {
    EXPECT_TRUE(bits_of(options, true) == bits_of(options, false));
  }
};

TEST_F(CapturedTrainer, CallsTheModelThreeTimesForEachSizeOfBatch) {
  SmallRun run({.trainer = {.epochs = 6, .captured = true}});
  int calls = 0;
  const ForwardObserver observer([&](Module& module, const Tensor&, const Tensor&) { calls += &module == &run.model; });
  run.trainer.fit();
  EXPECT_EQ(run.trainer.steps(), 30);
  EXPECT_EQ(calls, 6);
}

TEST_F(CapturedTrainer, GivesTheSameBitsWithEveryOptimizer) {
  for (const optim::AnyOptimizer& any : optim::all_optimizers()) {
    SCOPED_TRACE(any.name);
    expect_the_same_bits({.optimizer = any.make, .trainer = {.epochs = 4}});
  }
}

TEST_F(CapturedTrainer, GivesTheSameBitsWithEachOption) {
  const auto error = [] { return std::make_shared<metrics::CategoricalAccuracy>(); };
  const std::vector<TrainerOptions> all{
      {.validation = data::spirals(40, {.seed = 3}), .train_metrics = {error()}},
      {.clip = {.value = 0.05, .norm = 0.05}},
      {.clip = {.global_norm = 0.05}},
      {.schedule = optim::ExponentialLR{.gamma = 0.8}, .schedule_per = Per::step},
      {.average = optim::ExponentialAverageOptions{.decay = 0.9}},
      {.autocast = true},
      {.scaler = optim::GradScalerOptions{.growth_interval = 3}},
      {.clip = {.norm = 0.05}, .scaler = optim::GradScalerOptions{.init_scale = 0x1p126, .growth_interval = 2}},
      {.anomaly = true},
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(i);
    SmallRunOptions options{.trainer = all[i]};
    options.trainer.epochs = 4;
    expect_the_same_bits(options);
  }
}

TEST_F(CapturedTrainer, GivesTheSameWeightsWithPenalties) {
  const auto weights = [](bool captured) {
    Sequential model = SmallRun::seeded_network(9);
    optim::SGD sgd(model.parameters(), {.lr = 0.1});
    data::DataLoader loader(data::spirals(75), {.batch_size = 16});
    Trainer(model, sgd, CrossEntropyLoss(), loader,
            {.epochs = 4, .penalties = {{.parameters = model.parameters(), .l1 = 0.01}}, .captured = captured})
        .fit();
    return model.parameters()[0].to_vector<float>();
  };
  EXPECT_EQ(weights(true), weights(false));
}

TEST_F(CapturedTrainer, GoesOnFromACheckpointBitForBit) {
  SmallRunOptions options{.trainer = {.epochs = 5, .captured = true}};
  options.trainer.checkpoint = {.file = folder_ / "begun.safetensors", .every_epochs = 0};
  SmallRun begun(options);
  begun.trainer.on_step([&](const StepRecord& record) {
    if (record.total_step == 19) begun.trainer.request_stop();
  });
  begun.trainer.fit();
  SmallRun later(options);
  later.trainer.resume(folder_ / "begun.safetensors");
  later.trainer.fit();
  EXPECT_TRUE(later.bits(folder_ / "later.safetensors") == bits_of({.trainer = {.epochs = 5}}, false));
}

// Its momentum is read from the count of batches.
struct CumulativeNorm : BatchNorm1d {
  CumulativeNorm() : BatchNorm1d(9, {.momentum = std::nullopt}) {}
};

TEST_F(CapturedTrainer, RunsStepsAsTheyStandThatCannotBeCaptured) {
  const auto run = [](bool captured) {
    manual_seed(4);
    Sequential model(Linear(2, 9), BatchNorm1d(9), Dropout(0.3), CumulativeNorm(), Linear(9, 2));
    optim::Adam adam(model.parameters(), {.lr = 0.02});
    data::DataLoader loader(data::spirals(75), {.batch_size = 16});
    Trainer trainer(model, adam, CrossEntropyLoss(), loader, {.epochs = 3, .captured = captured});
    trainer.fit();
    const std::string& why = trainer.why_not_captured();
    EXPECT_EQ(why.empty(), !captured);
    EXPECT_EQ(captured, why.starts_with("captured step: item: the elements of a tensor are read")) << why;
    std::vector<double> all{uniform({1}, 0, 1).item<double>()};
    for (const auto& [name, t] : state(model)) {
      for (const double x : t.to_vector<double>()) all.push_back(x);
    }
    return all;
  };
  EXPECT_EQ(run(true), run(false));
}

TEST_F(CapturedTrainer, SaysThatTheLossIsNotFiniteBeforeItReachesTheWeights) {
  Sequential model = SmallRun::seeded_network(9);
  optim::SGD sgd(model.parameters(), {.lr = 0.1});
  const data::Dataset spirals = data::spirals(64);
  data::DataLoader loader(spirals, {.batch_size = 16, .shuffle = false});
  Trainer trainer(model, sgd, CrossEntropyLoss(), loader, {.epochs = 3, .captured = true});
  std::vector<float> weights;
  trainer.on_step([&](const StepRecord& record) {
    weights = model.parameters()[0].to_vector<float>();
    if (record.total_step != 6) return;
    Tensor data = spirals.features;  // which the loader gathers its batches from
    data.fill_(std::nanf(""));
  });
  expect_error<Error>([&] { trainer.fit(); },
                      "Trainer: the loss is nan in epoch 2, step 3 (try a lower rate, or clipping; the option anomaly "
                      "names the op)");
  EXPECT_EQ(trainer.steps(), 6);
  EXPECT_EQ(model.parameters()[0].to_vector<float>(), weights);
}

}  // namespace
}  // namespace dagrad::nn
