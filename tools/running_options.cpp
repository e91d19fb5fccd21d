#include "tools/running_options.h"

#include "dagrad/core/error.h"
#include "tools/option_checks.h"

namespace dagrad::tools {

void describe(RunningOptions& o, OptionList& list) {
  list.add("seed", o.seed, "N", "the same seed gives the same run")
      .add("threads", o.threads, "N", "0: one per core")
      .add("workers", o.workers, "N", "threads that prepare batches ahead (for augmentation)")
      .add("bf16", o.bf16, "compute in bf16, with weights kept in f32")
      .add("folds", o.folds, "K", "cross-validation: train K times, each time validating on another K-th")
      .add("ensemble", o.ensemble, "N", "train N models that differ in their seed, and average what they say")
      .add("bagging", o.bagging, "each member of the ensemble learns from a bootstrap sample")
      .add("deterministic", o.deterministic, "the same bits on any number of threads")
      .add("captured", o.captured,
           "write the kernels of a step down once and replay them: the same results, faster where ops are small; steps "
           "that cannot be captured run as they stand")
      .add("detect-anomaly", o.detect_anomaly, "stop at the first NaN and name the op (slower)");
}

void check(const RunningOptions& o) {
  check_threads(o.threads);
  check_between("workers", o.workers, 0, 256);
  if (o.folds != 0) check_between("folds", o.folds, 2, 1000);
  check_between("ensemble", o.ensemble, 1, 1000);
  if (o.folds > 0 && o.ensemble > 1) throw UsageError("--folds: not together with --ensemble");
  if (o.bagging && o.ensemble == 1) throw UsageError("--bagging: without --ensemble it means nothing");
}

}  // namespace dagrad::tools
