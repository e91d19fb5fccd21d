#include "tools/running_options.h"

#include "dagrad/core/error.h"
#include "tools/command_line.h"

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
      .add("detect-anomaly", o.detect_anomaly, "stop at the first NaN and name the op (slower)");
}

void check(const RunningOptions& o) {
  check_range("threads", o.threads, o.threads >= 0 && o.threads <= 1024, "1 to 1024, or 0 for one per core");
  check_range("workers", o.workers, o.workers >= 0 && o.workers <= 256, "0 to 256");
  check_range("folds", static_cast<double>(o.folds), o.folds == 0 || (o.folds >= 2 && o.folds <= 1000), "2 to 1000");
  check_range("ensemble", static_cast<double>(o.ensemble), o.ensemble >= 1 && o.ensemble <= 1000, "1 to 1000");
  if (o.folds > 0 && o.ensemble > 1) throw UsageError("--folds: not together with --ensemble");
  if (o.bagging && o.ensemble == 1) throw UsageError("--bagging: without --ensemble it means nothing");
}

}  // namespace dagrad::tools
