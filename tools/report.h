// The page that a training run leaves behind.
#pragma once

#include <string>

#include "tools/training.h"

namespace dagrad::tools {

/// A self-contained HTML page (inline SVG, no network; light and dark, narrow and wide): the result, the curves of loss
/// and accuracy, the confusion matrix, the options.
std::string report_page(const TrainOptions& options, const TrainingResult& result, const LoadedData& data);

}  // namespace dagrad::tools
