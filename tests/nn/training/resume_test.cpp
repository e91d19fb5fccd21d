// A run that goes on from a checkpoint equals the one that was not interrupted, to the last bit.
#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/metrics/metrics.h"
#include "expect_error.h"
#include "nn/training/small_run.h"
#include "optim/all_optimizers.h"
#include "scratch_folder.h"

namespace dagrad::nn {
namespace {

class Resume : public ScratchFolder {
 protected:
  /// The bits of a run that is saved and stopped after `steps` steps, and goes on in other objects.
  std::string bits_of_interrupted(const SmallRunOptions& options, std::int64_t steps) const {
    SmallRunOptions saving = options;
    saving.trainer.checkpoint = {.file = folder_ / "run.safetensors", .every_epochs = 0};
    {
      SmallRun begun(saving);
      begun.trainer.on_step([&](const StepRecord& record) {
        if (record.total_step == steps) begun.trainer.request_stop();
      });
      begun.trainer.fit();
      EXPECT_EQ(begun.trainer.history().ending, Ending::requested);
      EXPECT_EQ(begun.trainer.steps(), steps);
    }
    SmallRun later(options);
    manual_seed(99);
    later.trainer.resume(folder_ / "run.safetensors");
    later.trainer.fit();
    return later.bits(folder_ / "later.safetensors");
  }

  std::string bits_of_whole(const SmallRunOptions& options) const {
    SmallRun run(options);
    run.trainer.fit();
    EXPECT_NE(run.trainer.history().ending, Ending::requested);
    return run.bits(folder_ / "whole.safetensors");
  }

  void expect_the_same_bits(const SmallRunOptions& options, const std::vector<std::int64_t>& stops) const {
    const std::string whole = bits_of_whole(options);
    for (const std::int64_t steps : stops)
      EXPECT_TRUE(bits_of_interrupted(options, steps) == whole) << "interrupted after step " << steps;
  }
};

TEST_F(Resume, GoesOnBitForBitWithEveryOptimizerFromAnywhere) {
  for (const optim::AnyOptimizer& any : optim::all_optimizers()) {
    SCOPED_TRACE(any.name);
    SmallRunOptions options;
    options.optimizer = any.make;
    expect_the_same_bits(options, {2, 5, 13});
  }
}

TEST_F(Resume, GoesOnBehindTheLastWholeStepAfterAnException) {
  const std::string whole = bits_of_whole({});
  for (const std::int64_t steps : {2, 5, 13}) {  // within an epoch, at its end
    SmallRun run;
    bool armed = true;
    run.trainer.on_step([&](const StepRecord& record) {
      if (armed && record.total_step == steps) throw UsageError("enough");
    });
    EXPECT_THROW(run.trainer.fit(), UsageError);
    const std::filesystem::path file = folder_ / "thrown.safetensors";
    run.trainer.save(file);
    armed = false;
    run.trainer.fit();
    EXPECT_TRUE(run.bits(folder_ / "later.safetensors") == whole) << "fit() again after step " << steps;
    SmallRun other;
    other.trainer.resume(file);
    other.trainer.fit();
    EXPECT_TRUE(other.bits(folder_ / "later.safetensors") == whole) << "resumed after step " << steps;
  }
}

TEST_F(Resume, LosesNoBatchWhoseStepThrew) {
  SmallRun run;
  std::int64_t calls = 0;
  const auto sometimes = [&calls](const Tensor& prediction, const Tensor& target) {
    if (++calls == 7) throw UsageError("not now");
    return CrossEntropyLoss()(prediction, target);
  };
  Trainer trainer(run.model, *run.optimizer, sometimes, run.loader, {.epochs = 3});
  std::vector<std::int64_t> places;
  trainer.on_step([&](const StepRecord& record) { places.push_back(10 * record.epoch + record.step); });
  EXPECT_THROW(trainer.fit(), UsageError);
  EXPECT_EQ(run.loader.position().batch, 1);
  trainer.fit();
  EXPECT_EQ(places, (std::vector<std::int64_t>{11, 12, 13, 14, 15, 21, 22, 23, 24, 25, 31, 32, 33, 34, 35}));
  for (const EpochRecord& epoch : trainer.history().epochs) EXPECT_EQ(epoch.samples, 75);
}

TEST_F(Resume, GoesOnWithEverythingThatARunCanHave) {
  SmallRunOptions options;
  TrainerOptions& o = options.trainer;
  o.epochs = 4;
  o.validation = data::spirals(30, {.seed = 1});
  o.metrics = {std::make_shared<metrics::SparseCategoricalAccuracy>()};
  o.clip = {.value = 0.5, .norm = 0.3, .global_norm = 0.4};
  o.schedule = optim::OneCycleLR{.max_lr = 0.05, .total_steps = 20};
  o.schedule_per = Per::step;
  o.early_stopping = EarlyStoppingOptions{.patience = 10};
  o.average = optim::ExponentialAverageOptions{.decay = 0.9, .warm_up = true};
  o.scaler = optim::GradScalerOptions{.init_scale = 1e38, .growth_interval = 2};
  o.autocast = true;
  for (const bool with_train_metrics : {false, true}) {
    if (with_train_metrics) o.train_metrics = {std::make_shared<metrics::CategoricalAccuracy>()};
    expect_the_same_bits(options, {1, 3, 5, 8, 19});
  }
}

TEST_F(Resume, GoesOnWaitingForAPlateauAndAnEarlyEnd) {
  SmallRunOptions options;
  TrainerOptions& o = options.trainer;
  o.epochs = 12;
  o.validation = data::spirals(30, {.seed = 1});
  o.plateau = optim::PlateauOptions{.patience = 0, .threshold = 0.1};
  o.early_stopping = EarlyStoppingOptions{.patience = 3, .min_delta = 0.05};
  expect_the_same_bits(options, {6, 11, 17});
  SmallRun run(options);
  EXPECT_EQ(run.trainer.fit().ending, Ending::early);
  EXPECT_LT(run.optimizer->lr(), 0.02);
}

TEST_F(Resume, GivesTheSameWithAnyNumberOfWorkers) {
  SmallRunOptions options;
  const std::string whole = bits_of_whole(options);
  for (const int workers : {0, 1, 3}) {
    options.workers = workers;
    EXPECT_TRUE(bits_of_interrupted(options, 8) == whole) << workers << " workers";
  }
}

TEST_F(Resume, GoesOnInTheSameObjectsToo) {
  SmallRun run;
  run.trainer.on_step([&](const StepRecord&) { run.trainer.request_stop(); });
  for (int step = 1; step <= 14; ++step) EXPECT_EQ(run.trainer.fit().ending, Ending::requested);
  EXPECT_EQ(run.trainer.fit().ending, Ending::finished);
  EXPECT_TRUE(run.bits(folder_ / "steps.safetensors") == bits_of_whole({}));
}

TEST_F(Resume, LengthensARunThatIsOver) {
  SmallRunOptions shorter, longer;
  shorter.trainer.epochs = 1;
  shorter.trainer.checkpoint.file = folder_ / "run.safetensors";
  SmallRun(shorter).trainer.fit();
  SmallRun run(longer);
  run.trainer.resume(folder_ / "run.safetensors");
  run.trainer.fit();
  EXPECT_TRUE(run.bits(folder_ / "longer.safetensors") == bits_of_whole(longer));
}

TEST_F(Resume, RefusesAnotherRunsFileAndChangesNothing) {
  SmallRunOptions wide;
  wide.width = 12;
  wide.trainer.average = optim::ExponentialAverageOptions{};
  SmallRun other(wide);
  other.trainer.save(folder_ / "other.safetensors");

  SmallRun run;
  run.trainer.request_stop();
  run.trainer.fit();
  const std::string before = run.bits(folder_ / "before.safetensors");
  const auto resume = [&] { run.trainer.resume(folder_ / "other.safetensors"); };
  for (const char* part : {"'0.weight' has shape [12, 2] (want [9, 2])", "'4.weight' has shape [2, 12] (want [2, 9])",
                           "the part 'average' (ExponentialAverage) has no place here"}) {
    expect_error_with<UsageError>(resume, part);
  }
  EXPECT_TRUE(run.bits(folder_ / "after.safetensors") == before);
}

TEST_F(Resume, RefusesOtherBatches) {
  SmallRun saved;
  saved.trainer.save(folder_ / "run.safetensors");
  Sequential net = SmallRun::seeded_network(9);
  const auto adam = make_adam(net.parameters());
  data::DataLoader loader(data::spirals(75), {.batch_size = 8, .seed = 11});
  Trainer trainer(net, *adam, CrossEntropyLoss(), loader);
  expect_error_with<UsageError>([&] { trainer.resume(folder_ / "run.safetensors"); },
                                "loader: DataLoader: the state has 5 batches (want 10)");
}

}  // namespace
}  // namespace dagrad::nn
