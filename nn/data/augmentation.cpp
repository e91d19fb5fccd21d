#include "dagrad/nn/data/augmentation.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <string_view>
#include <utility>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/gather_rows.h"
#include "dagrad/nn/data/next_normal.h"
#include "dagrad/ops/embedding.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"

namespace dagrad::data {
namespace {

double next_between(Generator& generator, double low, double high) {
  return low + (high - low) * generator.next_uniform();
}

void check(std::string_view name, double value, double most) {
  if (!(value >= 0 && value <= most))
    throw UsageError(fmt::format("augment_images: {} is {} (want 0 to {})", name, value, most));
}

/// Where in the source a pixel comes from, counted from the centres: x' = a x + b y + c, y' = d x + e y + f.
struct Affine {
  double a = 1, b = 0, c = 0, d = 0, e = 1, f = 0;
};

struct ImageSize {
  std::int64_t channels, height, width;
  std::int64_t pixels() const { return height * width; }
};

Affine draw_affine(const ImageChanges& changes, const ImageSize& size, Generator& generator) {
  const double zoom = std::exp(std::log1p(changes.scale) * next_between(generator, -1, 1));
  const double angle = changes.rotate * std::numbers::pi / 180 * next_between(generator, -1, 1);
  const double right = changes.shift * static_cast<double>(size.width) * next_between(generator, -1, 1);
  const double down = changes.shift * static_cast<double>(size.height) * next_between(generator, -1, 1);
  const double mirror_x = changes.flip_horizontal && generator.next_uniform() < 0.5 ? -1 : 1;
  const double mirror_y = changes.flip_vertical && generator.next_uniform() < 0.5 ? -1 : 1;
  // The way back: undo the shift, then the turn, then the zoom, then the mirror.
  const double cosine = std::cos(angle) / zoom, sine = std::sin(angle) / zoom;
  Affine back{mirror_x * cosine, mirror_x * sine, 0, -mirror_y * sine, mirror_y * cosine, 0};
  back.c = -(back.a * right + back.b * down);
  back.f = -(back.d * right + back.e * down);
  return back;
}

/// One channel through the map, with bilinear interpolation.
void warp(const float* from, float* to, const ImageSize& size, const Affine& map, float fill) {
  const double middle_x = static_cast<double>(size.width - 1) / 2, middle_y = static_cast<double>(size.height - 1) / 2;
  const auto pixel = [&](std::int64_t y, std::int64_t x) {
    const bool inside = y >= 0 && y < size.height && x >= 0 && x < size.width;
    return inside ? from[y * size.width + x] : fill;
  };
  for (std::int64_t row = 0; row < size.height; ++row) {
    for (std::int64_t column = 0; column < size.width; ++column) {
      const double x = static_cast<double>(column) - middle_x, y = static_cast<double>(row) - middle_y;
      const double source_x = map.a * x + map.b * y + map.c + middle_x;
      const double source_y = map.d * x + map.e * y + map.f + middle_y;
      const double left = std::floor(source_x), top = std::floor(source_y);
      const auto share_x = static_cast<float>(source_x - left), share_y = static_cast<float>(source_y - top);
      const auto x0 = static_cast<std::int64_t>(left), y0 = static_cast<std::int64_t>(top);
      const float above = pixel(y0, x0) * (1 - share_x) + pixel(y0, x0 + 1) * share_x;
      const float below = pixel(y0 + 1, x0) * (1 - share_x) + pixel(y0 + 1, x0 + 1) * share_x;
      to[row * size.width + column] = above * (1 - share_y) + below * share_y;
    }
  }
}

void change_colours(float* image, const ImageChanges& changes, const ImageSize& size, Generator& generator) {
  const std::int64_t count = size.channels * size.pixels();
  const auto added = static_cast<float>(changes.brightness * next_between(generator, -1, 1));
  const auto contrast = static_cast<float>(1 + changes.contrast * next_between(generator, -1, 1));
  const auto saturation = static_cast<float>(1 + changes.saturation * next_between(generator, -1, 1));
  if (changes.brightness > 0) {
    for (std::int64_t i = 0; i < count; ++i) image[i] += added;
  }
  if (changes.contrast > 0) {
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += image[i];
    const auto mean = static_cast<float>(sum / static_cast<double>(count));
    for (std::int64_t i = 0; i < count; ++i) image[i] = mean + contrast * (image[i] - mean);
  }
  if (changes.saturation > 0) {
    float *const red = image, *const green = red + size.pixels(), *const blue = green + size.pixels();
    for (std::int64_t i = 0; i < size.pixels(); ++i) {
      const float grey = 0.299f * red[i] + 0.587f * green[i] + 0.114f * blue[i];  // luma of ITU-R BT.601
      for (float* const channel : {red, green, blue}) channel[i] = grey + saturation * (channel[i] - grey);
    }
  }
  if (changes.noise > 0) {
    for (std::int64_t i = 0; i < count; ++i) image[i] += static_cast<float>(changes.noise * next_normal(generator));
  }
}

void change_image(const float* from, float* to, const ImageChanges& changes, const ImageSize& size,
                  Generator generator) {
  const bool moves =
      changes.shift > 0 || changes.scale > 0 || changes.rotate > 0 || changes.flip_horizontal || changes.flip_vertical;
  if (moves) {
    const Affine map = draw_affine(changes, size, generator);
    for (std::int64_t c = 0; c < size.channels; ++c)
      warp(from + c * size.pixels(), to + c * size.pixels(), size, map, static_cast<float>(changes.fill));
  } else {
    std::copy(from, from + size.channels * size.pixels(), to);
  }
  change_colours(to, changes, size, generator);
}

/// A draw from Gamma(shape, 1).
double next_gamma(Generator& generator, double shape) {
  // Below 1, Gamma(shape + 1) times U^(1 / shape).
  double factor = 1;
  if (shape < 1) factor = std::pow(1 - generator.next_uniform(), 1 / std::exchange(shape, shape + 1));
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double z = next_normal(generator), v = std::pow(1 + c * z, 3);
    if (v <= 0) continue;
    if (std::log1p(-generator.next_uniform()) < z * z / 2 + d - d * v + d * std::log(v)) return factor * d * v;
  }
}

}  // namespace

Transform augment_images(const ImageChanges& changes) {
  check("shift", changes.shift, 1);
  check("scale", changes.scale, 100);
  check("rotate", changes.rotate, 180);
  check("noise", changes.noise, 1e6);
  check("brightness", changes.brightness, 1e6);
  check("contrast", changes.contrast, 1);
  check("saturation", changes.saturation, 1);
  return [changes](Batch& batch, Generator& generator) {
    const Tensor images = contiguous(batch.features);
    if (images.dim() != 4 || images.dtype() != f32 || (changes.saturation > 0 && images.size(1) != 3)) {
      throw ShapeError(
          fmt::format("augment_images: features are {} of {} (want f32 [B, C, H, W], C = 3 for saturation)",
                      images.shape().str(), name_of(images.dtype())));
    }
    const ImageSize size{images.size(1), images.size(2), images.size(3)};
    Tensor changed = empty(images.shape());
    const float* const from = images.data<float>();
    float* const to = changed.mutable_data<float>();
    const std::int64_t each = size.channels * size.pixels();
    parallel_for(images.size(0), 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        change_image(from + i * each, to + i * each, changes, size, generator.fork(static_cast<std::uint64_t>(i)));
    });
    batch.features = changed;
  };
}

Transform add_noise(double deviation) {
  if (!(deviation >= 0)) throw UsageError(fmt::format("add_noise: deviation is {} (want at least 0)", deviation));
  return [deviation](Batch& batch, Generator& generator) {
    batch.features = batch.features + normal(batch.features.shape(), 0, deviation, batch.features.dtype(), generator);
  };
}

double next_beta(Generator& generator, double a, double b) {
  const double x = next_gamma(generator, a), y = next_gamma(generator, b);
  // Both may be too small to be told from 0 when a and b are; then one of the ends is as good as the other.
  return x + y > 0 ? x / (x + y) : (generator.next_uniform() < a / (a + b) ? 1 : 0);
}

Transform mixup(std::int64_t classes, double alpha) {
  if (!(alpha > 0)) throw UsageError(fmt::format("mixup: alpha is {} (want alpha > 0)", alpha));
  return [classes, alpha](Batch& batch, Generator& generator) {
    const double share = next_beta(generator, alpha, alpha);
    const Tensor order = randperm(batch.size(), generator);
    const std::span indices(order.data<std::int64_t>(), static_cast<std::size_t>(order.numel()));
    const auto mixed = [&](const Tensor& t) { return lerp(gather_rows(t, indices), t, share); };
    batch.features = mixed(batch.features);
    const bool is_class = classes > 0 && !is_floating(batch.labels.dtype());
    batch.labels = mixed(is_class ? one_hot(batch.labels, classes) : batch.labels);
  };
}

Transform compose(std::vector<Transform> transforms) {
  return [transforms = std::move(transforms)](Batch& batch, Generator& generator) {
    for (std::size_t i = 0; i < transforms.size(); ++i) {
      Generator own = generator.fork(i);
      transforms[i](batch, own);
    }
  };
}

}  // namespace dagrad::data
