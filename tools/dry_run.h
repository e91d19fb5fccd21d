// What a training would do.
#pragma once

#include <string>

#include "tools/data.h"
#include "tools/train_options.h"

namespace dagrad::tools {

/// The model layer by layer, the data, the memory of a step (measured by one, on a copy of the model) and all options.
/// Nothing is trained or written.
std::string dry_run_text(const TrainOptions& options, const LoadedData& data);

}  // namespace dagrad::tools
