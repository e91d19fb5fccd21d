// Digits that need no download.
#pragma once

#include <cstdint>

#include "dagrad/nn/data/dataset.h"

namespace dagrad::data {

/// `count` images of the digits 0 to 9, drawn stroke by stroke: features [count, 1, 28, 28] in [0, 1], 10 classes.
/// Each has its own way of writing, shift, turn, size, slant, thickness, jitter of the strokes, blur, stains and noise.
/// Image i depends on the seed and on i alone. A linear model stays well below a multi-layer perceptron on them.
Dataset digits(std::int64_t count, std::uint64_t seed = 0);

}  // namespace dagrad::data
