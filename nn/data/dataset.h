// A dataset in memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dagrad/core/tensor.h"

namespace dagrad::data {

/// Samples and what is to be learned of them.
struct Dataset {
  Tensor features;           ///< [N, ...], f32
  Tensor labels;             ///< [N], i64, each in [0, classes); or numbers [N, ...], floating
  std::int64_t classes = 0;  ///< 0 where the labels are numbers

  std::int64_t size() const { return features.defined() ? features.size(0) : 0; }
  /// Throws UsageError that begins with `who` unless there are samples, as many labels, all classes within their range,
  /// and no features or numbers that are NaN or infinite; names the first sample that breaks it.
  void check(std::string_view who) const;
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
