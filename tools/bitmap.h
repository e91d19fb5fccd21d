// Pixels as an image inside a page.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace dagrad::tools {

using Pixel = std::array<std::uint8_t, 3>;  ///< red, green, blue

/// What a bitmap file of 24 bits holds, as the address of an image: `data:image/bmp;base64,...`. Row by row from the
/// top.
std::string bitmap_address(const std::vector<Pixel>& pixels, std::int64_t width, std::int64_t height);

/// Blue at 0, white at 1/2, red at 1.
Pixel diverging_pixel(double share);
/// The colour of the series of a number on a light page, mixed with much white.
Pixel class_pixel(std::size_t index);
/// Black at 0, white at 1.
Pixel grey_pixel(double share);

}  // namespace dagrad::tools
