#include "dagrad/nn/data/generators.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::data {
namespace {

double radius(const Dataset& d, std::int64_t i) {
  return std::hypot(d.features.data<float>()[2 * i], d.features.data<float>()[2 * i + 1]);
}

TEST(Generators, BeginEqualForAnySizeAndDifferBySeed) {
  const auto check = [](const char* name, const auto& generate) {
    const Dataset few = generate(10, 1), many = generate(20, 1), other = generate(10, 2);
    EXPECT_EQ(few.features.to_vector<float>(), many.slice(0, 10).features.template to_vector<float>()) << name;
    EXPECT_NE(few.features.to_vector<float>(), other.features.to_vector<float>()) << name;
    EXPECT_EQ(few.labels.to_vector<int>(), many.slice(0, 10).labels.template to_vector<int>()) << name;
    few.check(name);
  };
  check("xor", [](std::int64_t n, std::uint64_t s) { return xor_corners(n, {.noise = 0.1, .seed = s}); });
  check("spirals", [](std::int64_t n, std::uint64_t s) { return spirals(n, {.arms = 3, .seed = s}); });
  check("moons", [](std::int64_t n, std::uint64_t s) { return moons(n, {.seed = s}); });
  check("circles", [](std::int64_t n, std::uint64_t s) { return circles(n, {.seed = s}); });
  check("blobs", [](std::int64_t n, std::uint64_t s) { return blobs(n, {.seed = s}); });
}

TEST(Generators, DrawWhatTheirNamesSay) {
  const Dataset corners = xor_corners();
  EXPECT_EQ(corners.features.to_vector<int>(), (std::vector<int>{0, 0, 0, 1, 1, 1, 1, 0}));
  EXPECT_EQ(corners.labels.to_vector<int>(), (std::vector<int>{0, 1, 0, 1}));
  const Dataset rings = circles(50, {.factor = 0.5});
  for (std::int64_t i = 0; i < 50; ++i) EXPECT_NEAR(radius(rings, i), i % 2 == 0 ? 1 : 0.5, 1e-6);
  const Dataset arms = spirals(90, {.arms = 3});
  for (std::int64_t i = 0; i < 90; ++i) {
    EXPECT_LE(radius(arms, i), 1 + 1e-6);
    EXPECT_EQ(arms.labels.data<std::int64_t>()[i], i % 3);
  }
  const Dataset halves = moons(100);
  for (std::int64_t i = 0; i < 100; ++i) {
    const double x = halves.features.data<float>()[2 * i], y = halves.features.data<float>()[2 * i + 1];
    const bool first = i % 2 == 0;
    EXPECT_NEAR(std::hypot(first ? x : 1 - x, first ? y : 0.5 - y), 1, 1e-5);
    EXPECT_GE(first ? y : 0.5 - y, -1e-6);
  }
}

TEST(Generators, ScatterBlobsAboutTheirCentres) {
  const Dataset d = blobs(3000, {.classes = 3, .features = 4, .deviation = 0.5});
  const auto x = d.features.to_vector<double>();
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t k = 0; k < 4; ++k) {
      double mean = 0, squares = 0;
      for (std::size_t i = c; i < 3000; i += 3) mean += x[4 * i + k] / 1000;
      for (std::size_t i = c; i < 3000; i += 3) squares += std::pow(x[4 * i + k] - mean, 2) / 1000;
      EXPECT_LE(std::abs(mean), 10.1);
      EXPECT_NEAR(std::sqrt(squares), 0.5, 5 * 0.5 / std::sqrt(2000.0));
    }
  }
}

TEST(Generators, MakeLinearTargets) {
  const RegressionProblem p = regression(200, {.features = 5, .informative = 2, .targets = 3, .bias = 7});
  const Tensor exact = matmul(p.dataset.features, p.coefficients) + 7.0;
  EXPECT_EQ(p.dataset.labels.shape(), (Shape{200, 3}));
  EXPECT_LT(max(abs(exact - p.dataset.labels)).item<double>(), 1e-3);
  int rows = 0;
  for (std::int64_t k = 0; k < 5; ++k) rows += p.coefficients.data<float>()[3 * k] != 0;
  EXPECT_EQ(rows, 2);
  EXPECT_EQ(regression(3).dataset.labels.shape(), Shape{3});
  expect_error<UsageError>([] { regression(1, {.features = 2, .informative = 3}); },
                           "regression: 3 of 2 features, 1 targets (want at most all, and a target)");
  expect_error<UsageError>([] { circles(1, {.factor = 1}); }, "circles: factor is 1 (want 0 <= factor < 1)");
  expect_error<UsageError>([] { blobs(-1); }, "blobs: -1 samples (want at least 0)");
}

}  // namespace
}  // namespace dagrad::data
