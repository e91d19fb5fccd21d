#include "dagrad/ops/dropout.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(Dropout, KeepsTheShareAndTheMean) {
  Generator generator(5);
  const std::int64_t count = 200'000;
  for (const double p : {0.1, 0.5, 0.9}) {
    const auto y = dropout(ones({count}), p, generator).to_vector<float>();
    std::int64_t kept = 0;
    for (const float value : y) {
      if (value == 0) continue;
      ++kept;
      ASSERT_FLOAT_EQ(value, static_cast<float>(1 / (1 - p)));
    }
    const double share = static_cast<double>(kept) / static_cast<double>(count);
    EXPECT_NEAR(share, 1 - p, 5 * std::sqrt(p * (1 - p) / static_cast<double>(count)));  // five standard deviations
  }
}

TEST(Dropout, GivesItsGradientTheSameMask) {
  Generator generator(6);
  const Tensor x = ones({1000}).requires_grad_();
  const Tensor y = dropout(x, 0.3, generator);
  y.backward(ones({1000}));
  EXPECT_EQ(x.grad().to_vector<float>(), y.to_vector<float>());
}

TEST(Dropout, DrawsTheSameMaskOnAnyNumberOfThreads) {
  const Tensor x = ones({100'003});
  const int threads = num_threads();
  std::vector<std::vector<float>> results;
  for (const int t : {1, 2, 3}) {
    set_num_threads(t);
    Generator generator(7);
    results.push_back(dropout(x, 0.5, generator).to_vector<float>());
  }
  set_num_threads(threads);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Dropout, DrawsAnewAtEachCall) {
  Generator generator(8);
  const Tensor x = ones({100});
  EXPECT_NE(dropout(x, 0.5, generator).to_vector<float>(), dropout(x, 0.5, generator).to_vector<float>());
}

TEST(Dropout, KnowsItsLimits) {
  Generator generator(9);
  const Tensor x = ones({50});
  EXPECT_EQ(dropout(x, 0, generator).to_vector<float>(), x.to_vector<float>());
  EXPECT_EQ(dropout(x, 1, generator).to_vector<float>(), std::vector<float>(50, 0));
  expect_error<UsageError>([&] { dropout(x, 1.5, generator); }, "dropout: p is 1.5 (want 0 <= p <= 1)");
  expect_error<UsageError>([&] { dropout(x, NAN, generator); }, "dropout: p is nan (want 0 <= p <= 1)");
}

}  // namespace
}  // namespace dagrad
