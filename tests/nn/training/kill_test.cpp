// A process that is killed while it trains and saves leaves a whole checkpoint behind.
#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dagrad/core/parallel.h"
#include "nn/training/small_run.h"
#include "scratch_folder.h"

namespace dagrad::nn {
namespace {

using Kill = ScratchFolder;

SmallRunOptions saving_each_step(const std::filesystem::path& file, std::int64_t epochs) {
  SmallRunOptions options;
  options.trainer.epochs = epochs;
  options.trainer.checkpoint = {.file = file, .every_steps = 1};
  options.workers = 0;
  return options;
}

/// Trains without end in a child, which is killed `microseconds` after it has made `steps` steps.
void train_and_kill(const std::filesystem::path& file, bool resume, std::uint64_t steps, std::int64_t microseconds) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      const ThreadLimit limit(1);  // the parent's threads are not in the child
      SmallRun run(saving_each_step(file, 1'000'000'000));
      if (resume) run.trainer.resume(file);
      run.trainer.save(file);
      const auto tell = [&] {
        if (write(told[1], ".", 1) != 1) _exit(8);
      };
      run.trainer.on_step([&](const StepRecord&) { tell(); });
      tell();
      run.trainer.fit();
    } catch (...) {
    }
    _exit(7);  // not reached unless something went wrong
  }
  char dot = 0;
  for (std::uint64_t step = 0; step <= steps; ++step) ASSERT_EQ(read(told[0], &dot, 1), 1);
  const timespec wait{.tv_sec = 0, .tv_nsec = microseconds * 1000};
  nanosleep(&wait, nullptr);
  kill(child, SIGKILL);
  close(told[0]);
  close(told[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
}

// The moments are spread over the writing of some checkpoints by chance; a longer delay tests no more than a shorter.
TEST_F(Kill, AtAnyMomentLeavesAWholeCheckpoint) {
  const auto file = folder_ / "run.safetensors";
  Generator chance(3);
  std::int64_t steps = 0;
  for (int round = 0; round < 200; ++round) {
    train_and_kill(file, round > 0, chance.next_below(3), static_cast<std::int64_t>(chance.next_below(2000)));
    if (HasFatalFailure()) return;
    SmallRun later(saving_each_step(file, 0));
    ASSERT_NO_THROW(later.trainer.resume(file)) << "round " << round;
    EXPECT_GE(later.trainer.steps(), steps) << "an older checkpoint is back";
    steps = later.trainer.steps();
    ASSERT_LE(file_count(), 2u) << "what an earlier kill left behind is still there";
  }
  // A step is told before it is saved, so that of two at least the first is kept.
  EXPECT_GT(steps, 30);

  // Having been killed so often is no matter for the result.
  SmallRun often(saving_each_step(file, 0));
  often.trainer.resume(file);
  often.trainer.save(file);
  EXPECT_EQ(file_count(), 1u);
  SmallRunOptions unsaved;
  unsaved.trainer.epochs = 1'000'000'000;
  SmallRun straight(unsaved);
  straight.trainer.on_step([&](const StepRecord& record) {
    if (record.total_step == steps) straight.trainer.request_stop();
  });
  straight.trainer.fit();
  EXPECT_EQ(straight.trainer.steps(), steps);
  EXPECT_TRUE(straight.weight_bits() == often.weight_bits());
}

}  // namespace
}  // namespace dagrad::nn
