// A dataset in memory.
#pragma once

#include <cstdint>
#include <span>

#include "dagrad/core/tensor.h"

namespace dagrad::data {

/// Samples and their class labels.
struct Dataset {
  Tensor features;  ///< [N, ...], f32
  Tensor labels;    ///< [N], i64, each in [0, classes)
  std::int64_t classes = 0;

  std::int64_t size() const { return features.defined() ? features.size(0) : 0; }
  /// `count` samples from `first`, sharing the elements. Throws ShapeError beyond the end.
  Dataset slice(std::int64_t first, std::int64_t count) const;
  /// Copies of the samples at `indices`, in that order. Throws UsageError naming an index out of range.
  Dataset subset(std::span<const std::int64_t> indices) const;
};

/// The parts a model is trained on and tested with.
struct Split {
  Dataset train, test;
};

}  // namespace dagrad::data
