#include "dagrad/nn/init.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/layers.h"
#include "expect_error.h"

namespace dagrad::nn::init {
namespace {

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};

Moments moments(const Tensor& t) {
  Moments m;
  const auto values = t.to_vector<double>();
  const auto n = static_cast<double>(values.size());
  for (const double v : values) m.mean += v / n;
  for (const double v : values) {
    m.deviation += (v - m.mean) * (v - m.mean) / n;
    m.largest = std::max(m.largest, std::abs(v));
  }
  m.deviation = std::sqrt(m.deviation);
  return m;
}

/// With 200 x 300 elements, five standard errors of a standard deviation are 1.5%.
constexpr double kTolerance = 0.015;

TEST(Init, DrawsWithTheDeviationOfItsFormula) {
  manual_seed(1);
  Tensor w = empty({200, 300});
  EXPECT_NEAR(moments(xavier_normal_(w)).deviation, std::sqrt(2.0 / 500), kTolerance * std::sqrt(2.0 / 500));
  EXPECT_NEAR(moments(kaiming_normal_(w)).deviation, std::sqrt(2.0 / 300), kTolerance * std::sqrt(2.0 / 300));
  EXPECT_NEAR(moments(kaiming_normal_(w, {.mode = Mode::fan_out})).deviation, std::sqrt(2.0 / 200),
              kTolerance * std::sqrt(2.0 / 200));
  EXPECT_NEAR(moments(lecun_normal_(w)).deviation, std::sqrt(1.0 / 300), kTolerance * std::sqrt(1.0 / 300));
  EXPECT_NEAR(moments(normal_(w, 3, 0.5)).mean, 3, 0.011);
}

TEST(Init, KeepsUniformDrawsWithinTheirBound) {
  manual_seed(2);
  Tensor w = empty({200, 300});
  const double xavier = std::sqrt(6.0 / 500), he = std::sqrt(6.0 / 300);
  EXPECT_LE(moments(xavier_uniform_(w)).largest, xavier * (1 + 1e-6));
  EXPECT_NEAR(moments(w).deviation, xavier / std::sqrt(3.0), kTolerance * xavier);
  EXPECT_LE(moments(kaiming_uniform_(w)).largest, he * (1 + 1e-6));
  EXPECT_GT(moments(w).largest, 0.99 * he);
}

TEST(Init, CountsTheFieldOfConvolutions) {
  const Fans fan = fans(empty({8, 4, 3, 5}));
  EXPECT_EQ(fan.in, 60);
  EXPECT_EQ(fan.out, 120);
  expect_error<ShapeError>([] { fans(empty({7})); },
                           "init: weights are [7] (want [out, in, ...]: at least two dimensions)");
}

TEST(Init, KnowsPyTorchsGains) {
  EXPECT_DOUBLE_EQ(calculate_gain(Nonlinearity::relu), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(calculate_gain(Nonlinearity::tanh), 5.0 / 3);
  EXPECT_DOUBLE_EQ(calculate_gain(Nonlinearity::leaky_relu, std::sqrt(5.0)), std::sqrt(1.0 / 3));
  EXPECT_EQ(calculate_gain(Nonlinearity::sigmoid), 1);
}

TEST(Init, WorksOnParametersWithoutBeingRecorded) {
  Tensor w = empty({3, 3}).requires_grad_();
  EXPECT_TRUE(constant_(w, 2).is_leaf());
  EXPECT_EQ(w.to_vector<float>(), std::vector<float>(9, 2));
}

TEST(Linear, StartsWithinOneOverTheRootOfItsInputs) {
  manual_seed(4);
  const Linear layer(400, 50);
  EXPECT_LE(moments(layer.weight).largest, 0.05 * (1 + 1e-6));
  EXPECT_GT(moments(layer.weight).largest, 0.0495);
  EXPECT_LE(moments(layer.bias).largest, 0.05);
}

}  // namespace
}  // namespace dagrad::nn::init
