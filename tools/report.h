// The page that a training run leaves behind.
#pragma once

#include <string>
#include <vector>

#include "tools/page.h"
#include "tools/training.h"

namespace dagrad::tools {

/// A self-contained HTML page (inline SVG, no network; light and dark, narrow and wide): the result; the curves of
/// loss, accuracy, learning rate and gradients; what was taken for what, and the images that were; the filters and
/// weights that were learned; the model and the options.
std::string report_page(const TrainOptions& options, TrainingResult& result, const LoadedData& data);

// Its parts. Each adds nothing where there is nothing to show.

/// Loss, accuracy or R2, learning rate and gradient norm over time: of one run, or of folds or members side by side.
void add_curves(Page& page, const TrainingResult& result);
/// The weights of each layer as they spread over time.
void add_weight_histories(Page& page, const TrainingResult& result);
/// How often a class was taken for another, and the figures of each class.
void add_confusion(Page& page, const ClassFigures& figures);
/// The test images that the model was most sure about and wrong.
void add_mistakes(Page& page, const TrainingResult& result, const LoadedData& data);
/// The first layer's weights as images, where they look at images.
void add_filters(Page& page, TrainingResult& result);
/// Which class the model sees where, for samples of two numbers; predicted and true numbers, for regression.
void add_plane(Page& page, TrainingResult& result, const LoadedData& data);
void add_numbers(Page& page, const TrainingResult& result, const LoadedData& data);

}  // namespace dagrad::tools
