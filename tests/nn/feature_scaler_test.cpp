#include "dagrad/nn/feature_scaler.h"

#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"
#include "scratch_folder.h"

namespace dagrad::nn {
namespace {

TEST(FeatureScaler, Standardises) {
  const Tensor x = tensor({1, 10, 5, 3, 20, 5, 5, 60, 5}, {3, 3}, f64);
  FeatureScaler scaler = FeatureScaler::standardise(x);
  const Tensor y = scaler(x);
  EXPECT_NEAR(max(abs(mean(y, {0}))).item<double>(), 0, 1e-15);
  const auto squares = mean(square(y), {0}).to_vector<double>();
  EXPECT_NEAR(squares[0], 1, 1e-15);
  EXPECT_NEAR(squares[1], 1, 1e-15);
  EXPECT_EQ(squares[2], 0);  // constant: shifted to 0, not divided by 0
  EXPECT_LT(max(abs(scaler.inverse(y) - x)).item<double>(), 1e-14);
  EXPECT_EQ(FeatureScaler::standardise(to(x, f32)).shift.dtype(), f32);
}

TEST(FeatureScaler, ScalesToARange) {
  const Tensor x = tensor({1, 7, 3, 7, 5, 7}, {3, 2});
  EXPECT_EQ(FeatureScaler::min_max(x)(x).to_vector<float>(), (std::vector<float>{0, 0, 0.5, 0, 1, 0}));
  const auto wide = FeatureScaler::min_max(x, -1, 1)(x).to_vector<float>();
  EXPECT_EQ(wide[0], -1);
  EXPECT_EQ(wide[4], 1);
  expect_error<UsageError>([&] { FeatureScaler::min_max(x, 1, 1); },
                           "FeatureScaler: low is 1, high is 1 (want low < high)");
}

TEST(FeatureScaler, TreatsImagesByChannel) {
  manual_seed(1);
  const Tensor x = randn({5, 3, 4, 4}) * tensor({1, 10, 100}, {3, 1, 1}) + 3.0;
  FeatureScaler scaler = FeatureScaler::standardise(x);
  EXPECT_EQ(scaler.scale.shape(), (Shape{3, 1, 1}));
  const auto squares = mean(square(scaler(x)), {0, 2, 3}).to_vector<double>();
  for (const double s : squares) EXPECT_NEAR(s, 1, 1e-5);
}

TEST(FeatureScaler, RefusesWhatIsNotFinite) {
  const Tensor x = tensor({1, std::numeric_limits<double>::quiet_NaN()}, {2, 1}, f32);
  expect_error<UsageError>([&] { FeatureScaler::standardise(x); },
                           "FeatureScaler: sample 1 has a feature that is nan (want finite ones)");
  expect_error<UsageError>(
      [] {
        FeatureScaler::standardise(zeros({0, 2}));
      },
      "FeatureScaler: features are [0, 2] (want samples)");
}

using SavedScaler = ScratchFolder;

TEST_F(SavedScaler, TravelsWithTheModel) {
  manual_seed(2);
  const Tensor x = randn({20, 4}) * 3.0 + 5.0;
  Sequential net(FeatureScaler::standardise(x), Linear(4, 2));
  save(net, folder_ / "net.safetensors");
  Sequential other(FeatureScaler({4}), Linear(4, 2));
  load(other, folder_ / "net.safetensors");
  EXPECT_EQ(other(x).to_vector<float>(), net(x).to_vector<float>());
}

}  // namespace
}  // namespace dagrad::nn
