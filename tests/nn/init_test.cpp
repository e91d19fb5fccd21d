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

TEST(Init, DrawsFromTheInputsAlone) {
  manual_seed(5);
  Tensor w = empty({200, 300});
  EXPECT_NEAR(moments(lecun_uniform_(w)).deviation, std::sqrt(1.0 / 300), kTolerance * std::sqrt(1.0 / 300));
  EXPECT_LE(moments(fan_in_uniform_(w)).largest, std::sqrt(1.0 / 300) * (1 + 1e-6));
  EXPECT_NEAR(moments(w).deviation, 1 / std::sqrt(900.0), kTolerance / std::sqrt(900.0));
}

TEST(Init, CutsTheTailsOfTheNormalDistribution) {
  manual_seed(6);
  Tensor w = empty({200, 300}, f64);
  // The moments of N(0, 1) within [-2, 2], and within [1, 3]: mean (phi(1) - phi(3)) / (Phi(3) - Phi(1)).
  Moments m = moments(trunc_normal_(w));
  EXPECT_LE(m.largest, 2);
  EXPECT_GT(m.largest, 1.999);
  EXPECT_NEAR(m.mean, 0, 5 * 0.88 / std::sqrt(60000.0));
  EXPECT_NEAR(m.deviation, 0.879626, kTolerance * 0.88);
  m = moments(trunc_normal_(w, 0, 1, 1, 3));
  EXPECT_NEAR(m.mean, 1.510016, 0.01);
  EXPECT_GE(w.to_vector<double>()[0], 1);
  // Far out in the tail, where the distribution function itself has no digits left.
  m = moments(trunc_normal_(w, 0, 1, 20, 30));
  EXPECT_NEAR(m.mean, 20.05, 0.005);
  m = moments(trunc_normal_(w, 5, 2, -40, -35));
  EXPECT_NEAR(m.mean, -35.1, 0.01);
  expect_error<UsageError>([&] { trunc_normal_(w, 0, 1, 2, 2); },
                           "trunc_normal_: low is 2, high is 2 (want low < high)");
}

/// The largest deviation of w w^T (or w^T w where w is tall) from gain^2 times the identity.
double distance_from_orthogonal(const Tensor& w, double gain) {
  const std::int64_t rows = w.size(0), columns = w.numel() / rows;
  const auto v = w.to_vector<double>();
  const auto at = [&](std::int64_t r, std::int64_t c) { return v[static_cast<std::size_t>(r * columns + c)]; };
  double worst = 0;
  const std::int64_t count = std::min(rows, columns);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = 0; j < count; ++j) {
      double product = 0;
      for (std::int64_t k = 0; k < std::max(rows, columns); ++k)
        product += rows <= columns ? at(i, k) * at(j, k) : at(k, i) * at(k, j);
      worst = std::max(worst, std::abs(product - (i == j ? gain * gain : 0)));
    }
  }
  return worst;
}

TEST(Init, MakesOrthogonalMatrices) {
  manual_seed(7);
  for (const Shape& shape : {Shape{40, 60}, Shape{60, 40}, Shape{50, 50}, Shape{8, 4, 3, 3}, Shape{1, 1}}) {
    Tensor w = empty(shape, f64);
    EXPECT_LT(distance_from_orthogonal(orthogonal_(w, 2), 2), 1e-13) << shape.str();
  }
  Tensor w = empty({3, 2});
  EXPECT_LT(distance_from_orthogonal(orthogonal_(w), 1), 1e-6);
  // No direction is favoured: the first element of a rotation of the plane has mean 0 and variance 1/2.
  double sum = 0, squares = 0;
  Tensor turn = empty({2, 2}, f64);
  for (int i = 0; i < 4000; ++i) {
    const double x = orthogonal_(turn).data<double>()[0];
    sum += x / 4000;
    squares += x * x / 4000;
  }
  EXPECT_NEAR(sum, 0, 5 * std::sqrt(0.5 / 4000));
  EXPECT_NEAR(squares, 0.5, 5 * std::sqrt(0.125 / 4000));
  expect_error<ShapeError>(
      [] {
        Tensor v = empty({3});
        orthogonal_(v);
      },
      "orthogonal_: [3] (want at least two dimensions)");
}

TEST(Init, MakesIdentities) {
  Tensor w = empty({2, 3});
  EXPECT_EQ(eye_(w).to_vector<int>(), (std::vector<int>{1, 0, 0, 0, 1, 0}));
  Tensor kernel = empty({2, 1, 3});
  EXPECT_EQ(dirac_(kernel).to_vector<int>(), (std::vector<int>{0, 1, 0, 0, 0, 0}));
  EXPECT_EQ(dirac_(kernel, 2).to_vector<int>(), (std::vector<int>{0, 1, 0, 0, 1, 0}));
  expect_error<ShapeError>([&] { dirac_(kernel, 3); }, "dirac_: 3 groups of [2, 1, 3] (want a divisor of 2)");
  expect_error<ShapeError>([&] { eye_(kernel); }, "eye_: [2, 1, 3] (want a matrix)");
}

TEST(Init, ThinsOutEachColumn) {
  manual_seed(8);
  Tensor w = empty({10, 7});
  const auto values = sparse_(w, 0.25, 1).to_vector<float>();
  for (std::size_t column = 0; column < 7; ++column) {
    int zeros = 0;
    for (std::size_t row = 0; row < 10; ++row) zeros += values[row * 7 + column] == 0;
    EXPECT_EQ(zeros, 3);
  }
  expect_error<UsageError>([&] { sparse_(w, 1.5); }, "sparse_: sparsity is 1.5 (want 0 <= sparsity <= 1)");
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
