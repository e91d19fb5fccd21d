// Options: what a training leaves behind.
#pragma once

#include <cstdint>
#include <string>

#include "tools/option_list.h"

namespace dagrad::tools {

struct OutputOptions {
  std::string json;
  std::string report = "dagrad-report.html";
  std::string save;
  std::string tensorboard;
  std::string checkpoint, resume;
  std::int64_t checkpoint_every = 1;  ///< epochs
  bool dry_run = false;
  bool quiet = false;

  /// Where checkpoints go: `checkpoint`, or the file that was resumed; empty: nowhere.
  const std::string& checkpoint_file() const { return checkpoint.empty() ? resume : checkpoint; }
};

void describe(OutputOptions& options, OptionList& list);
/// Throws UsageError.
void check(const OutputOptions& options);

}  // namespace dagrad::tools
