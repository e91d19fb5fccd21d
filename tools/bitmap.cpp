#include "tools/bitmap.h"

#include <algorithm>
#include <cmath>

namespace dagrad::tools {

std::string bitmap_address(const std::vector<Pixel>& pixels, std::int64_t width, std::int64_t height) {
  const std::int64_t row = (width * 3 + 3) / 4 * 4, size = 54 + row * height;
  std::string file = "BM";
  const auto number = [&file](std::int64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  };
  number(size, 4), number(0, 4), number(54, 4), number(40, 4), number(width, 4), number(height, 4);
  number(1, 2), number(24, 2), number(0, 4), number(row * height, 4), number(2835, 4), number(2835, 4), number(0, 8);
  for (std::int64_t y = height - 1; y >= 0; --y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const auto& [red, green, blue] = pixels[static_cast<std::size_t>(y * width + x)];
      number(blue, 1), number(green, 1), number(red, 1);
    }
    number(0, static_cast<int>(row - width * 3));
  }
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text = "data:image/bmp;base64,";
  for (std::size_t i = 0; i < file.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < file.size() ? static_cast<unsigned char>(file[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) text.push_back(k > file.size() - i ? '=' : kDigits[word >> (18 - 6 * k) & 63u]);
  }
  return text;
}

Pixel diverging_pixel(double share) {
  constexpr std::array<double, 3> kLow{53, 104, 178}, kMiddle{244, 244, 240}, kHigh{197, 74, 51};
  const double t = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.5;
  Pixel result{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double value =
        t < 0.5 ? kLow[i] + (kMiddle[i] - kLow[i]) * 2 * t : kMiddle[i] + (kHigh[i] - kMiddle[i]) * (2 * t - 1);
    result[i] = static_cast<std::uint8_t>(std::lround(value));
  }
  return result;
}

Pixel class_pixel(std::size_t index) {
  // Those of page.cpp.
  constexpr std::array<std::array<double, 3>, 8> kColors{{{9, 105, 218},
                                                          {188, 76, 0},
                                                          {26, 127, 55},
                                                          {130, 80, 223},
                                                          {191, 57, 137},
                                                          {77, 124, 138},
                                                          {154, 103, 0},
                                                          {87, 96, 106}}};
  Pixel result{};
  for (std::size_t i = 0; i < 3; ++i)
    result[i] = static_cast<std::uint8_t>(std::lround(0.4 * kColors[index % kColors.size()][i] + 0.6 * 255));
  return result;
}

Pixel grey_pixel(double share) {
  const auto grey =
      static_cast<std::uint8_t>(std::lround(255 * (std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0)));
  return {grey, grey, grey};
}

}  // namespace dagrad::tools
