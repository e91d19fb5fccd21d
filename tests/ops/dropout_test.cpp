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

/// Expects that of `count` ones those are kept whose words in the stream are below half.
void expect_kept_by_words(Generator generator, std::int64_t count, DType dtype) {
  const std::uint64_t position = generator.position();
  const auto y = dropout(ones({count}, dtype), 0.5, generator).to_vector<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto words = Generator::block(generator.seed(), position + static_cast<std::uint64_t>(i / 4));
    ASSERT_EQ(y[static_cast<std::size_t>(i)], words[static_cast<std::size_t>(i % 4)] < 0x80000000U ? 2 : 0)
        << "element " << i << " of " << count << " " << name_of(dtype) << " from block " << position;
  }
}

TEST(Dropout, ReadsTheWordsOfTheStreamInTurn) {
  for (const DType dtype : {f32, bf16, f64}) {
    for (const std::int64_t count : {1, 3, 4, 17, 64, 65, 1000, 70'001})
      expect_kept_by_words(Generator(0x123456789abcdefULL), count, dtype);
    Generator far(3);
    far.set_position((std::uint64_t{7} << 32) - 5);  // the lower half of the counter overflows on the way
    expect_kept_by_words(far, 1000, dtype);
  }
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
