#include "dagrad/nn/data/augmentation.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/data/bagging.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::data {
namespace {

Batch batch_of(const Tensor& features) { return {features, arange(0, static_cast<double>(features.size(0))), 0}; }

Tensor changed(const Transform& transform, const Tensor& images, std::uint64_t seed = 1) {
  Batch batch = batch_of(images);
  Generator generator(seed);
  transform(batch, generator);
  return batch.features;
}

Tensor numbered(const Shape& shape) {
  return reshape(arange(0, static_cast<double>(checked_numel("test", shape)), 1, f32), shape);
}

TEST(Augmentation, DoesNothingUnasked) {
  const Tensor images = numbered({2, 3, 4, 5});
  EXPECT_EQ(changed(augment_images({}), images).to_vector<float>(), images.to_vector<float>());
}

TEST(Augmentation, MirrorsAboutHalf) {
  const Tensor images = numbered({200, 1, 1, 3});
  const auto values = changed(augment_images({.flip_horizontal = true}), images).to_vector<float>();
  int mirrored = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    const auto first = static_cast<float>(3 * i);
    const bool is_mirrored = values[3 * i] != first;
    mirrored += is_mirrored;
    EXPECT_EQ(values[3 * i], is_mirrored ? first + 2 : first);
    EXPECT_EQ(values[3 * i + 1], first + 1);
  }
  EXPECT_NEAR(mirrored, 100, 35);  // five standard deviations of 200 throws of a coin
}

TEST(Augmentation, ShiftsByUpToTheShare) {
  // One bright pixel in the middle: its centre of mass moves by the shift, and its mass stays.
  Tensor images = zeros({100, 1, 21, 21});
  for (std::int64_t i = 0; i < 100; ++i) images.mutable_data<float>()[i * 441 + 220] = 1;
  const auto values = changed(augment_images({.shift = 0.2}), images).to_vector<double>();
  double farthest = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    double mass = 0, x = 0, y = 0;
    for (std::size_t k = 0; k < 441; ++k) {
      mass += values[i * 441 + k];
      x += values[i * 441 + k] * (static_cast<double>(k % 21) - 10);
      y += values[i * 441 + k] * (static_cast<double>(k / 21) - 10);
    }
    EXPECT_NEAR(mass, 1, 1e-5);
    farthest = std::max({farthest, std::abs(x), std::abs(y)});
  }
  EXPECT_LE(farthest, 4.2 + 1e-5);
  EXPECT_GT(farthest, 3.5);
}

TEST(Augmentation, TurnsAndScalesAboutTheMiddle) {
  // A disc stays a disc under turns; under scaling its area grows by the square.
  Tensor disc = zeros({50, 1, 41, 41});
  for (std::int64_t i = 0; i < 50; ++i) {
    for (std::int64_t k = 0; k < 41 * 41; ++k) {
      if (std::hypot(static_cast<double>(k % 41 - 20), static_cast<double>(k / 41 - 20)) < 10)
        disc.mutable_data<float>()[i * 41 * 41 + k] = 1;
    }
  }
  const double area = sum(narrow(disc, 0, 0, 1)).item<double>();
  for (const double a : sum(changed(augment_images({.rotate = 180}), disc), {1, 2, 3}).to_vector<double>())
    EXPECT_NEAR(a / area, 1, 0.02);
  const auto areas = sum(changed(augment_images({.scale = 0.5}), disc), {1, 2, 3}).to_vector<double>();
  const auto [smallest, largest] = std::minmax_element(areas.begin(), areas.end());
  EXPECT_GE(*smallest / area, 1 / 2.25 - 0.03);
  EXPECT_LT(*smallest / area, 0.6);
  EXPECT_LE(*largest / area, 2.25 + 0.03);
  EXPECT_GT(*largest / area, 1.7);
}

TEST(Augmentation, ChangesColours) {
  manual_seed(1);
  const Tensor images = rand({30, 3, 8, 8});
  const auto means = [](const Tensor& t) { return mean(t, {1, 2, 3}).to_vector<double>(); };
  const Tensor brighter = changed(augment_images({.brightness = 0.3}), images);
  const Tensor difference = brighter - images;
  EXPECT_LE(max(abs(difference)).item<double>(), 0.3 + 1e-6);
  // The same for every pixel of an image.
  EXPECT_LT(max(abs(difference - mean(difference, {1, 2, 3}, true))).item<double>(), 1e-6);
  const auto contrast = means(changed(augment_images({.contrast = 0.9}), images)), before = means(images);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(contrast[i], before[i], 1e-6);
  const Tensor grey = expand(rand({30, 1, 8, 8}), {30, 3, 8, 8});
  EXPECT_LT(max(abs(changed(augment_images({.saturation = 1}), grey) - grey)).item<double>(), 1e-6);
  EXPECT_GT(max(abs(changed(augment_images({.saturation = 1}), images) - images)).item<double>(), 0.1);
  const Tensor noise = changed(augment_images({.noise = 0.5}), images) - images;
  EXPECT_NEAR(mean(square(noise)).item<double>(), 0.25, 5 * 0.25 * std::sqrt(2.0 / 5760));
  EXPECT_NEAR(mean(square(changed(add_noise(0.5), images) - images)).item<double>(), 0.25, 0.025);
}

TEST(Augmentation, DependsOnTheGeneratorAlone) {
  const Tensor images = numbered({40, 3, 6, 6});
  const Transform all = compose({augment_images({.shift = 0.2,
                                                 .flip_vertical = true,
                                                 .scale = 0.2,
                                                 .rotate = 20,
                                                 .noise = 0.1,
                                                 .brightness = 0.1,
                                                 .contrast = 0.1,
                                                 .saturation = 0.1}),
                                 add_noise(0.1)});
  const auto first = changed(all, images).to_vector<float>();
  EXPECT_EQ(changed(all, images).to_vector<float>(), first);
  EXPECT_NE(changed(all, images, 2).to_vector<float>(), first);
}

TEST(Mixup, MixesFeaturesAndLabelsAlike) {
  const Transform mix = mixup(3, 1.0);
  double smallest = 1;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Batch batch{tensor({1, 0, 0, 0, 1, 0, 0, 0, 1}, {3, 3}), tensor({0, 1, 2}, i64), 0};
    Generator generator(seed);
    mix(batch, generator);
    EXPECT_EQ(batch.labels.shape(), (Shape{3, 3}));
    EXPECT_EQ(batch.labels.to_vector<float>(), batch.features.to_vector<float>());  // the features are one-hot
    for (const float s : sum(batch.labels, {1}).to_vector<float>()) EXPECT_NEAR(s, 1, 1e-6);
    smallest = std::min(smallest, max(batch.labels).item<double>());
    EXPECT_FALSE(std::isnan(cross_entropy(batch.features, batch.labels).item<double>()));
  }
  EXPECT_LT(smallest, 0.7);
  Batch numbers{tensor({0, 1}, {2, 1}), tensor({0, 10}), 0};
  Generator generator(3);
  mixup(0, 1.0)(numbers, generator);
  EXPECT_LT(max(abs(numbers.labels - squeeze(numbers.features) * 10.0)).item<double>(), 1e-5);
  expect_error<UsageError>([] { mixup(2, 0); }, "mixup: alpha is 0 (want alpha > 0)");
}

TEST(Mixup, DrawsFromTheBetaDistribution) {
  constexpr int kDraws = 20000;
  for (const auto& [a, b] : {std::pair{0.2, 0.2}, {2.0, 5.0}, {1.0, 1.0}, {1e-3, 1e-3}}) {
    Generator generator(7);
    double mean = 0, squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = next_beta(generator, a, b);
      EXPECT_TRUE(x >= 0 && x <= 1);
      mean += x / kDraws;
      squares += x * x / kDraws;
    }
    const double variance = a * b / ((a + b) * (a + b) * (a + b + 1));
    EXPECT_NEAR(mean, a / (a + b), 5 * std::sqrt(variance / kDraws)) << a;
    EXPECT_NEAR(squares - mean * mean, variance, 0.05 * variance) << a;
  }
}

TEST(Augmentation, SaysWhatIsWrong) {
  expect_error<UsageError>([] { augment_images({.rotate = 200}); }, "augment_images: rotate is 200 (want 0 to 180)");
  expect_error<UsageError>([] { augment_images({.shift = -0.1}); }, "augment_images: shift is -0.1 (want 0 to 1)");
  expect_error<ShapeError>(
      [] {
        changed(augment_images({.saturation = 0.5}), zeros({2, 1, 3, 3}));
      },
      "augment_images: features are [2, 1, 3, 3] of f32 (want f32 [B, C, H, W], C = 3 for saturation)");
}

TEST(Bagging, LeavesOutAboutAThird) {
  const Bag first = bag(10000, 0, 3), second = bag(10000, 1, 3);
  EXPECT_EQ(first.in.size(), 10000u);
  EXPECT_NEAR(static_cast<double>(first.out.size()) / 10000, std::exp(-1), 0.02);
  EXPECT_NE(first.in, second.in);
  EXPECT_EQ(first.in, bag(10000, 0, 3).in);
  for (const std::int64_t i : first.out) EXPECT_EQ(std::count(first.in.begin(), first.in.end(), i), 0) << i;
}

}  // namespace
}  // namespace dagrad::data
