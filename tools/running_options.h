// Options: how the work is done.
#pragma once

#include <cstdint>
#include <string>

#include "tools/option_list.h"

namespace dagrad::tools {

struct RunningOptions {
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: one per core
  int workers = 0;
  bool bf16 = false;
  std::int64_t folds = 0;  ///< 0: no cross-validation
  std::int64_t ensemble = 1;
  bool bagging = false;
  bool deterministic = false;
  bool captured = false;
  bool detect_anomaly = false;
};

void describe(RunningOptions& options, OptionList& list);
/// Throws UsageError.
void check(const RunningOptions& options);

}  // namespace dagrad::tools
