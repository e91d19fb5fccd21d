// PNG images, written. Internal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dagrad::tools {

/// A PNG file of 8 bits a channel: `pixels` row by row from the top, each of `channels` bytes (1: grey, 3: red, green,
/// blue).
std::string png(const std::vector<std::uint8_t>& pixels, std::int64_t width, std::int64_t height, int channels);

}  // namespace dagrad::tools
