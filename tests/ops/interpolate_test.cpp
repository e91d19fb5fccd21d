// Resizing, against numbers worked out by hand; what it computes on other inputs the op table compares.
#include "dagrad/ops/interpolate.h"

#include <gtest/gtest.h>
#include <vector>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"

namespace dagrad {
namespace {

using Values = std::vector<double>;

/// src as one line of a [1, 1, L].
Values line(const TensorValues& src, std::int64_t size, const InterpolateOptions& options) {
  return interpolate(tensor(src, {1, 1, size}, f64), options).to_vector<double>();
}

TEST(Interpolate, TakesTheNearestElementAsPyTorchDoes) {
  EXPECT_EQ(line({1, 2, 3, 4}, 4, {.size = 6}), (Values{1, 1, 2, 3, 3, 4}));  // floor(2 p / 3)
  EXPECT_EQ(line({1, 2, 3, 4}, 4, {.size = 6, .mode = InterpolateMode::nearest_exact}),
            (Values{1, 2, 2, 3, 4, 4}));                                         // floor(2 (p + 1/2) / 3)
  EXPECT_EQ(line({1, 2, 3, 4, 5}, 5, {.size = 2}), (Values{1, 3}));              // floor(5 p / 2)
  EXPECT_EQ(line({1, 2, 3}, 3, {.scale_factor = {1.5}}), (Values{1, 1, 2, 3}));  // floor(p / 1.5)
  EXPECT_EQ(line({1, 2, 3}, 3, {.scale_factor = {0.5}}), (Values{1}));
}

TEST(Interpolate, GoesByTheGivenFactorUnlessItIsRecomputed) {
  // 3 * 1.5 is 4.5, of which 4 elements are made: places (p + 1/2) / 1.5 - 1/2, or (p + 1/2) 3 / 4 - 1/2.
  const Values by_factor = line({0, 6, 12}, 3, {.scale_factor = {1.5}, .mode = InterpolateMode::linear});
  EXPECT_NEAR(by_factor[0], 0, 1e-14);
  EXPECT_NEAR(by_factor[1], 3, 1e-14);
  EXPECT_NEAR(by_factor[2], 7, 1e-14);
  EXPECT_NEAR(by_factor[3], 11, 1e-14);
  InterpolateOptions options{.scale_factor = {1.5}, .mode = InterpolateMode::linear};
  options.recompute_scale_factor = true;
  EXPECT_EQ(line({0, 6, 12}, 3, options), (Values{0, 3.75, 8.25, 12}));
}

TEST(Interpolate, MeetsTheBilinearNumbersThatPyTorchsDocumentationShows) {
  const Tensor src = tensor({1, 2, 3, 4}, {1, 1, 2, 2}, f64);
  const Tensor halves = interpolate(src, {.scale_factor = {2}, .mode = InterpolateMode::bilinear});
  EXPECT_EQ(halves.to_vector<double>(),
            (Values{1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4}));
  const Tensor aligned =
      interpolate(src, {.scale_factor = {2}, .mode = InterpolateMode::bilinear, .align_corners = true});
  const Values got = aligned.to_vector<double>();
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 4; ++x) EXPECT_NEAR(got[static_cast<std::size_t>(4 * y + x)], 1 + (x + 2 * y) / 3.0, 1e-14);
  }
}

TEST(Interpolate, KeepsAPlaneAPlaneWithAlignedCorners) {
  // A linear function of the place is what linear interpolation is exact for.
  const Tensor src = arange(0, 12, 1, f32);
  const Tensor image = interpolate(tensor(src.to_vector<float>(), {1, 1, 3, 4}),
                                   {.size = PerAxis{5, 7}, .mode = InterpolateMode::bilinear, .align_corners = true});
  const Values got = image.to_vector<double>();
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 7; ++x) EXPECT_NEAR(got[static_cast<std::size_t>(7 * y + x)], 2 * y + x / 2.0, 1e-6);
  }
}

TEST(Interpolate, LiesAsItsSourceDoesAndSoDoesTheGradient) {
  for (const Format format : {Format::row_major, Format::channels_last}) {
    Tensor src = Tensor::allocate({{2, 3, 4, 5}, f32, format});
    src.fill_(1);
    src.requires_grad_();
    const Tensor dst = interpolate(src, {.scale_factor = {2}, .mode = InterpolateMode::bilinear});
    EXPECT_EQ(dst.format(), format);
    EXPECT_EQ(dst.shape(), (Shape{2, 3, 8, 10}));
    const Tensor diff = grad(sum(dst), src);
    EXPECT_EQ(sum(diff).item<double>(), 2 * 3 * 8 * 10);  // each result shares out its 1
  }
}

TEST(Interpolate, HasTheMeanOfPairsAsItsGradientWhereItHalves) {
  Tensor src = tensor({1, 2, 3, 4}, {1, 1, 4}, f64).requires_grad_();
  const Tensor dst = interpolate(src, {.size = 2, .mode = InterpolateMode::linear});
  EXPECT_EQ(dst.to_vector<double>(), (Values{1.5, 3.5}));  // places 1/2 and 5/2
  EXPECT_EQ(grad(sum(dst * tensor({1, 10}, {1, 1, 2}, f64)), src).to_vector<double>(), (Values{0.5, 0.5, 5, 5}));
}

}  // namespace
}  // namespace dagrad
