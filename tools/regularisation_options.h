// Options: what keeps a model from learning its data by heart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dagrad/nn/data/augmentation.h"
#include "tools/option_list.h"

namespace dagrad::tools {

struct RegularisationOptions {
  double l1 = 0, l2 = 0;
  double label_smoothing = 0;
  double mixup = 0;     ///< alpha; 0: none
  std::string augment;  ///< like "shift=0.1,flip,rotate=10"
  std::optional<std::int64_t> patience;
  double min_delta = 0;
  double ema = 0;  ///< decay; 0: none

  data::ImageChanges image_changes() const;
  /// The noise of `augment`, which is for features of any shape.
  double noise() const;
};

void describe(RegularisationOptions& options, OptionList& list);
/// Throws UsageError.
void check(const RegularisationOptions& options);

/// What is done to each batch: augmentation, then mixup; empty for nothing. `classes` and `sample` are those of the
/// dataset. Throws UsageError when they do not allow it.
data::Transform make_transform(const RegularisationOptions& options, const data::Dataset& dataset);

}  // namespace dagrad::tools
