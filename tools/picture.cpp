#include "tools/picture.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "tools/bitmap.h"
#include "tools/chart.h"

namespace dagrad::tools {
namespace {

std::string figure(const std::vector<Pixel>& pixels, std::int64_t width, std::int64_t height,
                   const std::string& caption) {
  return fmt::format(R"(<figure class="image"><img alt="{0}" src="{1}"/><figcaption>{0}</figcaption></figure>)",
                     escape(caption), bitmap_address(pixels, width, height));
}

}  // namespace

std::string image(const std::vector<double>& pixels, std::int64_t width, std::int64_t height,
                  const std::string& caption) {
  std::vector<Pixel> greys;
  for (const double value : pixels) greys.push_back(grey_pixel(value));
  return figure(greys, width, height, caption);
}

std::string picture(const Tensor& pixels, const std::string& caption) {
  const std::int64_t height = pixels.size(-2), width = pixels.size(-1), area = height * width;
  std::vector<double> values = pixels.to_vector<double>();
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double low = std::min(0.0, *least), range = std::max(1.0, *most) - low;
  for (double& value : values) value = (value - low) / range;
  const bool is_coloured = pixels.dim() == 3 && pixels.size(0) == 3;
  std::vector<Pixel> result;
  for (std::int64_t i = 0; i < area; ++i) {
    const auto at = [&](std::int64_t channel) {
      return grey_pixel(values[static_cast<std::size_t>(channel * area + i)])[0];
    };
    result.push_back(is_coloured ? Pixel{at(0), at(1), at(2)} : Pixel{at(0), at(0), at(0)});
  }
  return figure(result, width, height, caption);
}

std::string weight_picture(const Tensor& weights, const std::string& caption) {
  const std::vector<double> values = weights.to_vector<double>();
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  std::vector<Pixel> result;
  for (const double value : values) result.push_back(diverging_pixel(most > 0 ? 0.5 + 0.5 * value / most : 0.5));
  return figure(result, weights.size(-1), weights.size(-2), caption);
}

}  // namespace dagrad::tools
