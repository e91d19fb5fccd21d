// Reading targets, predictions and weights for metrics. Internal.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::metrics {

/// The weights of `count` samples: those of [N], each finite and not below 0, or 1 where undefined.
std::vector<double> sample_weights(std::string_view metric, const Tensor& weights, std::int64_t count);

/// Throws ShapeError unless the shapes are equal and have at least one axis.
void check_same_shape(std::string_view metric, const Tensor& target, const Tensor& prediction);

/// Class indices [N] (i64 or u8), each in [0, classes). Throws naming the first that is not.
std::vector<std::int64_t> class_indices(std::string_view metric, std::string_view what, const Tensor& indices,
                                        std::int64_t classes);

/// The position of the largest score in each row of [N, C], the first of equals; -1 where one is NaN.
std::vector<std::int64_t> best_classes(std::string_view metric, const Tensor& scores);

}  // namespace dagrad::metrics
