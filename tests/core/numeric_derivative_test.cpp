#include "dagrad/core/numeric_derivative.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>

namespace dagrad {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

/// As gradcheck does it, with an f whose values are good to some units in the last place.
DifferenceTable differentiate(const std::function<double(double)>& f, double x, double ulps = 4) {
  DifferenceTable table;
  double step = 0.1 * std::max(1.0, std::abs(x));
  for (int k = 0; k < 26; ++k, step *= k < 6 ? 0.55 : 0.26) {
    const double above = x + step, below = x - step;
    const double noise = ulps * kEpsilon * std::max(std::abs(f(above)), std::abs(f(below)));
    table.add(x - below, above - x, f(below), f(x), f(above), noise);
  }
  return table;
}

TEST(DifferenceTable, BoundsItsErrorOnSmoothFunctions) {
  const struct {
    std::function<double(double)> f, derivative;
    double x, relative_error;
    double ulps = 4;
  } cases[] = {
      {[](double x) { return std::exp(20 * x); }, [](double x) { return 20 * std::exp(20 * x); }, 0.9, 1e-11},
      {[](double x) { return std::sin(x); }, [](double x) { return std::cos(x); }, 1, 1e-11},
      {[](double x) { return std::log(x); }, [](double x) { return 1 / x; }, 0.01, 1e-11},
      {[](double x) { return std::sqrt(x); }, [](double x) { return 0.5 / std::sqrt(x); }, 1e-8, 1e-10},
      {[](double x) { return std::tanh(1e8 * x); }, [](double) { return 1e8; }, 0, 1e-10},
      {[](double x) { return std::sin(1000 * x); }, [](double x) { return 1000 * std::cos(1000 * x); }, 0.5, 1e-9,
       1000},
      {[](double x) { return x * x * x; }, [](double x) { return 3 * x * x; }, 1e8, 1e-11},
      {[](double x) { return 1e-8 * x; }, [](double) { return 1e-8; }, 1, 1e-11},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const double wanted = cases[i].derivative(cases[i].x);
    const NumericDerivative got = differentiate(cases[i].f, cases[i].x, cases[i].ulps).best();
    EXPECT_LE(std::abs(got.value - wanted), got.error) << "case " << i;
    EXPECT_LE(got.error, cases[i].relative_error * std::abs(wanted)) << "case " << i;
  }
}

TEST(DifferenceTable, CoversBothSlopesOfAKink) {
  const NumericDerivative relu = differentiate([](double x) { return std::max(x, 0.0); }, 0).best();
  EXPECT_NEAR(relu.value, 0.5, 1e-9);
  EXPECT_GE(relu.error, 0.5);
  EXPECT_LE(relu.error, 1);
  const NumericDerivative abs = differentiate([](double x) { return std::abs(x) + 3 * x; }, 0).best();
  EXPECT_GE(abs.error, 1);
}

TEST(DifferenceTable, FindsTheSlopeNextToAKink) {
  const NumericDerivative relu = differentiate([](double x) { return std::max(x, 0.0); }, 1e-4).best();
  EXPECT_NEAR(relu.value, 1, 1e-10);
  EXPECT_LE(relu.error, 1e-10);
}

TEST(DifferenceTable, TrustsNothingAtAJump) {
  EXPECT_GE(differentiate([](double x) { return x < 0 ? 0.0 : 1.0; }, 0).best().error, 5);
}

TEST(DifferenceTable, KnowsNothingWhereHalfOfTheValuesAreNaN) {
  const DifferenceTable table = differentiate([](double x) { return std::sqrt(x); }, 0);
  EXPECT_TRUE(std::isinf(table.best().error));
}

TEST(DifferenceTable, IsNotFooledByAPeriod) {
  // A wave whose half period is a power of 1/2 has the same difference, zero, at every step of a binary sequence.
  const auto wave = [](double x) { return std::sin(64 * std::numbers::pi * x); };
  const NumericDerivative got = differentiate(wave, 0).best();
  EXPECT_NEAR(got.value, 64 * std::numbers::pi, got.error);
  EXPECT_LE(got.error, 1e-7);
}

TEST(DifferenceTable, ReportsStructureBelowItsStep) {
  // Odd and nearly zero at every large step, so that the differences there agree on zero.
  const auto spike = [](double x) { return x * std::exp(-1e16 * x * x); };
  const DifferenceTable table = differentiate(spike, 0);
  if (table.best().error < 0.1 && std::abs(table.best().value) < 0.5) {
    EXPECT_GE(table.disagreement_below(0.05), 0.5);
  } else {
    EXPECT_NEAR(table.best().value, 1, table.best().error);
  }
  EXPECT_LE(differentiate([](double x) { return std::exp(x); }, 1).disagreement_below(1e-3), 1e-7);
}

TEST(NoiseLevel, MeasuresWhatIsNoPolynomial) {
  const double smooth[] = {1, 2, 3.5, 5.5, 8, 11, 14.5, 18.5};
  EXPECT_EQ(noise_level(smooth), 0);
  // Noise of +-1e-6 on a line.
  const double noisy[] = {1 + 1e-6, 2 - 1e-6, 3 - 1e-6, 4 + 1e-6, 5 - 1e-6, 6 + 1e-6, 7 + 1e-6, 8 - 1e-6};
  EXPECT_GT(noise_level(noisy), 3e-7);
  EXPECT_LT(noise_level(noisy), 3e-6);
}

TEST(NoiseLevel, IsInfiniteWhereAValueIsNotFinite) {
  const double values[] = {1, 2, 3, std::numeric_limits<double>::quiet_NaN(), 5, 6, 7, 8};
  EXPECT_TRUE(std::isinf(noise_level(values)));
}

}  // namespace
}  // namespace dagrad
