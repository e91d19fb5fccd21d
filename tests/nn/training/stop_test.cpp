// Ending a training, and what is left of it: checkpoints and the history.
#include <csignal>
#include <gtest/gtest.h>
#include <sstream>

#include "dagrad/core/error.h"
#include "dagrad/nn/training/stop_on_signal.h"
#include "expect_error.h"
#include "nn/training/small_run.h"
#include "scratch_folder.h"

namespace dagrad::nn {
namespace {

using Stop = ScratchFolder;

bool is_default(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_DFL;
}

TEST_F(Stop, OnASignalFinishesTheStepSavesAndSaysHowToResume) {
  for (const int signal : {SIGINT, SIGTERM}) {
    ASSERT_NE(std::signal(signal, SIG_DFL), SIG_ERR);  // what a shell starts in the background ignores SIGINT
    SmallRunOptions options;
    options.trainer.checkpoint.file = folder_ / "run.safetensors";
    SmallRun run(options);
    run.trainer.on_step([&](const StepRecord& record) {
      if (record.total_step == 8) raise(signal);
    });
    {
      const StopOnSignal guard(run.trainer);
      EXPECT_FALSE(is_default(signal));
      EXPECT_EQ(run.trainer.fit().ending, Ending::requested);
      EXPECT_TRUE(is_default(signal)) << "a second signal does not end the program";
    }
    EXPECT_TRUE(is_default(SIGINT) && is_default(SIGTERM));
    EXPECT_EQ(run.trainer.how_to_resume(), "after step 3 of 5 of epoch 2 (step 8 in all); saved in " +
                                               options.trainer.checkpoint.file.string() +
                                               ": resume() and then fit() go on from there");
    SmallRun later(options);
    later.trainer.resume(options.trainer.checkpoint.file);
    EXPECT_EQ(later.trainer.steps(), 8);
  }
}

TEST_F(Stop, WithoutAFileSaysThatNothingIsSaved) {
  SmallRun run;
  run.trainer.on_epoch([&](const EpochRecord&) { run.trainer.request_stop(); });
  EXPECT_EQ(run.trainer.fit().ending, Ending::requested);
  EXPECT_EQ(run.trainer.how_to_resume(),
            "after epoch 1 (step 5 in all); not saved (want a file in the checkpoint options)");
}

TEST_F(Stop, OneGuardAtATime) {
  SmallRun run;
  const StopOnSignal guard(run.trainer);
  expect_error_with<UsageError>([&] { StopOnSignal second(run.trainer); }, "there is one already");
}

TEST_F(Stop, CheckpointsComeEverySoManyStepsAndEpochs) {
  const auto file = folder_ / "run.safetensors";
  const auto steps_saved = [&](CheckpointOptions checkpoint) {
    SmallRunOptions options;
    options.trainer.epochs = 4;
    options.trainer.checkpoint = std::move(checkpoint);
    options.trainer.checkpoint.file = file;
    std::filesystem::remove(file);
    SmallRun run(options);
    std::vector<std::int64_t> saved;
    const auto look = [&] {
      if (!std::filesystem::exists(file)) return;
      const auto steps = static_cast<std::int64_t>(read_checkpoint(file).parts.at("trainer").numbers.at("steps"));
      if (saved.empty() || saved.back() != steps) saved.push_back(steps);
    };
    run.trainer.on_step([&](const StepRecord&) { look(); });
    run.trainer.fit();
    look();
    return saved;
  };
  EXPECT_EQ(steps_saved({}), (std::vector<std::int64_t>{5, 10, 15, 20}));
  EXPECT_EQ(steps_saved({.every_epochs = 3}), (std::vector<std::int64_t>{15, 20}));
  EXPECT_EQ(steps_saved({.every_epochs = 0}), (std::vector<std::int64_t>{20}));
  EXPECT_EQ(steps_saved({.every_epochs = 0, .every_steps = 7}), (std::vector<std::int64_t>{7, 14, 20}));
}

TEST_F(Stop, AFullRunLeavesAHistoryThatCanBeReadAndPrinted) {
  SmallRunOptions options;
  options.trainer.validation = data::spirals(20, {.seed = 1});
  SmallRun run(options);
  const History& history = run.trainer.fit();
  ASSERT_EQ(history.epochs.size(), 3u);
  EXPECT_EQ(history.train().at(2), history.epochs[2].train.loss);
  EXPECT_EQ(history.validation().at(0), history.epochs[0].validation->loss);

  std::ostringstream printed;
  printed << history;
  EXPECT_EQ(printed.str().substr(0, 14), "epoch 1  loss ");
  EXPECT_NE(printed.str().find("\nepoch 3  loss "), std::string::npos);
  EXPECT_NE(printed.str().find("\nfinished\n"), std::string::npos);

  std::istringstream lines(history.csv());
  std::string header, first;
  std::getline(lines, header);
  std::getline(lines, first);
  EXPECT_EQ(header, "epoch,loss,validation loss,lr,samples,seconds");
  EXPECT_EQ(std::stod(first.substr(2)), history.epochs[0].train.loss);

  History copy;
  copy.prepare_state(history.state())();
  EXPECT_EQ(copy.csv(), history.csv());
  EXPECT_EQ(copy.ending, Ending::finished);
}

}  // namespace
}  // namespace dagrad::nn
