#include "dagrad/nn/upsample.h"

#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/nn/sequential.h"

namespace dagrad::nn {
namespace {

TEST(Upsample, ResizesWithItsOptions) {
  Upsample layer({.scale_factor = {2}, .mode = InterpolateMode::bilinear, .align_corners = true});
  const Tensor x = randn({2, 3, 4, 5});
  EXPECT_EQ(layer(x).shape(), (Shape{2, 3, 8, 10}));
  EXPECT_EQ(layer(x).to_vector<float>(), interpolate(x, layer.options).to_vector<float>());
  EXPECT_EQ(Upsample({7, 3})(x).shape(), (Shape{2, 3, 7, 3}));
}

TEST(Upsample, PrintsWhatItDoes) {
  EXPECT_EQ(Upsample({.scale_factor = {2, 1.5}, .mode = InterpolateMode::bilinear}).describe(),
            "Upsample(scale_factor=2x1.5, mode=bilinear)");
  EXPECT_EQ(Upsample({4, 6}).describe(), "Upsample(size=4x6, mode=nearest)");
  EXPECT_EQ(Upsample({.size = 4, .mode = InterpolateMode::linear, .align_corners = true}).describe(),
            "Upsample(size=4, mode=linear, align_corners=true)");
}

}  // namespace
}  // namespace dagrad::nn
