// Images with captions, enlarged without smoothing, as HTML figures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::tools {

/// Grey, 0 black and 1 white.
std::string image(const std::vector<double>& pixels, std::int64_t width, std::int64_t height,
                  const std::string& caption);
/// An image [C, H, W] or [H, W]: of three channels in colour, of others the first in grey. Values from the smallest to
/// the largest where they do not lie in [0, 1].
std::string picture(const Tensor& pixels, const std::string& caption);
/// Weights [H, W]: blue below 0, red above, by their share of the largest magnitude.
std::string weight_picture(const Tensor& weights, const std::string& caption);

}  // namespace dagrad::tools
