// The models that the program trains.
#pragma once

#include <cstdint>

#include "dagrad/nn/data/dataset.h"
#include "dagrad/nn/sequential.h"
#include "tools/model_options.h"

namespace dagrad::tools {

/// What goes into a model and comes out of it, for one sample.
struct ModelShape {
  Shape input;               ///< [F], [C, H, W], [T, F], ...
  std::int64_t outputs = 0;  ///< classes, or how many numbers
};
ModelShape shape_of(const data::Dataset& dataset);

/// A model with weights from the calling thread's generator; its parameters have their names. Throws UsageError when
/// the samples are not what it takes (a cnn wants images).
nn::Sequential make_model(const ModelOptions& options, const ModelShape& shape);
nn::Sequential make_model(const ModelOptions& options, const data::Dataset& sample);

}  // namespace dagrad::tools
