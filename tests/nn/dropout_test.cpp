#include "dagrad/nn/dropout.h"

#include <cmath>
#include <gtest/gtest.h>
#include <set>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

double mean_of(const Tensor& t) { return mean(t).item<double>(); }

TEST(DropoutLayers, KeepTheShareAndTheMean) {
  manual_seed(1);
  for (const double p : {0.1, 0.5, 0.8}) {
    constexpr double kCount = 40000;
    const double deviation = std::sqrt(p * (1 - p) / kCount);  // of the share of what is kept
    const auto check = [&](AnyModule layer, const Shape& shape, double units) {
      const Tensor y = layer(ones(shape));
      const double kept = mean_of(to(ne(y, 0), f64)), bound = 5 * deviation * std::sqrt(kCount / units);
      EXPECT_NEAR(kept, 1 - p, bound) << layer->describe();
      EXPECT_NEAR(mean_of(y), 1, bound / (1 - p)) << layer->describe();
      const auto values = y.to_vector<float>();
      for (const float v : std::set<float>(values.begin(), values.end()))
        EXPECT_TRUE(v == 0 || std::abs(v * (1 - p) - 1) < 1e-6) << layer->describe() << ": " << v;
      layer->eval();
      EXPECT_EQ(layer(ones(shape)).to_vector<float>(), ones(shape).to_vector<float>()) << layer->describe();
    };
    check(Dropout(p), {200, 200}, 40000);
    check(Dropout1d(p), {200, 100, 3}, 20000);
    check(Dropout2d(p), {200, 100, 2, 2}, 20000);
    check(Dropout3d(p), {200, 100, 2, 1, 2}, 20000);
  }
}

TEST(DropoutLayers, DropWholeChannels) {
  manual_seed(2);
  Dropout2d layer(0.5);
  const Tensor y = layer(ones({20, 10, 3, 3}));
  const Tensor sums = sum(y, {2, 3});
  for (const float s : sums.to_vector<float>()) EXPECT_TRUE(s == 0 || s == 18) << s;
}

TEST(AlphaDropout, KeepsMeanAndVarianceOfWhatIsNormal) {
  manual_seed(3);
  for (const double p : {0.1, 0.3, 0.6}) {
    AlphaDropout layer(p);
    const Tensor y = layer(randn({400, 500}, f64));
    EXPECT_NEAR(mean_of(y), 0, 0.02) << p;
    EXPECT_NEAR(mean_of(square(y)), 1, 0.03) << p;
  }
  // Through a deep net of selu, too (Klambauer et al. 2017).
  Tensor x = randn({200, 256});
  for (int i = 0; i < 16; ++i) {
    Linear layer(256, 256, false);
    init::lecun_normal_(layer.weight);
    x = AlphaDropout(0.1)(selu(layer(x))).detach();
  }
  EXPECT_NEAR(mean_of(x), 0, 0.15);
  EXPECT_NEAR(mean_of(square(x)), 1, 0.25);
}

TEST(DropoutLayers, DescribeThemselvesAndKnowTheirLimits) {
  EXPECT_EQ(to_string(Dropout(0.25)), "Dropout(0.25)");
  EXPECT_EQ(to_string(Dropout2d()), "Dropout2d(0.5)");
  EXPECT_EQ(to_string(AlphaDropout(0.1)), "AlphaDropout(0.1)");
  expect_error<UsageError>([] { Dropout3d(1.5); }, "Dropout3d: p is 1.5 (want 0 <= p <= 1)");
}

}  // namespace
}  // namespace dagrad::nn
