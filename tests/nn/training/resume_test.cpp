// A run that goes on from a checkpoint equals the one that was not interrupted, to the last bit.
#include <gtest/gtest.h>

#include "nn/training/small_run.h"
#include "optim/all_optimizers.h"
#include "scratch_folder.h"

namespace dagrad::nn {
namespace {

using Resume = ScratchFolder;

/// The bits of a run that is saved and stopped after `steps` steps, and goes on in other objects.
std::string bits_of_interrupted(const SmallRunOptions& options, std::int64_t steps, const std::filesystem::path& file) {
  SmallRunOptions saving = options;
  saving.trainer.checkpoint = {.file = file, .every_epochs = 0};
  {
    SmallRun begun(saving);
    begun.trainer.on_step([&](const StepRecord& record) {
      if (record.total_step == steps) begun.trainer.request_stop();
    });
    begun.trainer.fit();
    EXPECT_EQ(begun.trainer.history().ending, Ending::requested);
    EXPECT_EQ(begun.trainer.steps(), steps);
  }
  SmallRun later(saving);
  manual_seed(99);
  later.trainer.resume(file);
  later.trainer.fit();
  EXPECT_EQ(later.trainer.steps(), 15);
  return later.bits();
}

std::string bits_of_whole(const SmallRunOptions& options) {
  SmallRun run(options);
  run.trainer.fit();
  EXPECT_EQ(run.trainer.history().ending, Ending::finished);
  return run.bits();
}

TEST_F(Resume, GoesOnBitForBitWithEveryOptimizerFromAnywhere) {
  for (const optim::AnyOptimizer& any : optim::all_optimizers()) {
    SCOPED_TRACE(any.name);
    SmallRunOptions options;
    options.optimizer = any.make;
    const std::string whole = bits_of_whole(options);
    for (const std::int64_t steps : {1, 4, 5, 7, 14}) {
      EXPECT_TRUE(bits_of_interrupted(options, steps, folder_ / "run.safetensors") == whole)
          << "interrupted after step " << steps;
    }
  }
}

}  // namespace
}  // namespace dagrad::nn
