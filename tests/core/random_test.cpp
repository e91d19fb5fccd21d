#include "dagrad/core/random.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/philox.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(Random, IsPhilox4x32WithTenRounds) {
  // The known answers that come with Random123: zero key and counter, and all ones (counter words beyond ours are 0,
  // so only the first applies as it stands).
  EXPECT_EQ(Generator::block(0, 0), (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(Random, GivesTheSameWordsManyAtATime) {
  for (const std::uint64_t position : {std::uint64_t{0}, std::uint64_t{0xffffff80}, ~std::uint64_t{0} - 9}) {
    const std::uint64_t seed = 0x123456789abcdef0;
    std::vector<std::uint32_t> words(philox::kWords);
    philox::words(seed, position, words.data());
    for (std::size_t i = 0; i < words.size(); ++i)
      ASSERT_EQ(words[i], Generator::block(seed, position + i / 4)[i % 4]) << "word " << i << " from " << position;
  }
}

TEST(Random, DrawsFromTheRangeAndTheMoments) {
  Generator generator(1);
  const auto u = uniform({100'000}, -1, 3, f64, generator).to_vector<double>();
  double mean = 0, square = 0;
  for (const double v : u) {
    ASSERT_GE(v, -1);
    ASSERT_LT(v, 3);
    mean += v / 1e5;
    square += v * v / 1e5;
  }
  EXPECT_NEAR(mean, 1, 5 * std::sqrt(16.0 / 12 / 1e5));  // five standard errors
  EXPECT_NEAR(square - mean * mean, 16.0 / 12, 0.03);
  for (const DType type : {f32, f64}) {
    const auto n = normal({100'000}, 2, 0.5, type, generator).to_vector<double>();
    double sum = 0, squares = 0, fourth = 0;
    for (const double v : n) {
      const double z = (v - 2) / 0.5;
      sum += z / 1e5;
      squares += z * z / 1e5;
      fourth += z * z * z * z / 1e5;
    }
    EXPECT_NEAR(sum, 0, 0.016);
    EXPECT_NEAR(squares, 1, 0.023);
    EXPECT_NEAR(fourth, 3, 0.16);
  }
}

TEST(Random, StaysBelowTheUpperBoundInEveryType) {
  // Where numbers are coarse beside the range, or the bound is none of them, rounding would go beyond it.
  const std::vector<std::pair<double, double>> ranges{{0, 1},     {1, 1.1},     {-1, 0},
                                                      {-1.1, -1}, {1000, 1001}, {0.5, 0.501}};
  for (const DType dtype : {bf16, f32, f64}) {
    for (const auto& [low, high] : ranges) {
      Generator generator(1);
      Tensor t = empty({20'000}, dtype);
      fill_uniform(t, low, high, generator);
      const auto values = t.to_vector<double>();
      EXPECT_LT(*std::max_element(values.begin(), values.end()), high) << name_of(dtype) << " from " << low;
    }
  }
  Generator generator(1);
  EXPECT_EQ(uniform({1}, 2, 2, f32, generator).item<double>(), 2);
}

TEST(Random, DoesNotDependOnTheNumberOfThreads) {
  const auto draw = [](int threads) {
    const ThreadLimit limit(threads);
    Generator generator(7);
    return randn({100'001}, f32, generator).to_vector<float>();
  };
  EXPECT_EQ(draw(1), draw(2));
}

TEST(Random, GoesOnFromASavedPosition) {
  Generator a(3);
  (void)a.next_u64();
  Generator b(3);
  b.set_position(a.position());
  EXPECT_EQ(a.next_u64(), b.next_u64());
}

TEST(Random, ForksIndependentStreams) {
  const Generator root(5);
  Generator a = root.fork(0), again = root.fork(0), b = root.fork(1);
  const std::uint64_t first = a.next_u64();
  EXPECT_EQ(first, again.next_u64());
  EXPECT_NE(first, b.next_u64());
  EXPECT_NE(first, Generator(5).next_u64());
}

TEST(Random, DrawsWholeNumbersEvenly) {
  Generator generator(9);
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[generator.next_below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  expect_error<UsageError>([&] { generator.next_below(0); }, "next_below: bound is 0 (want at least 1)");
  expect_error<UsageError>([&] { randint(3, 3, {2}, generator); }, "randint: from 3 to 3 (want low < high)");
}

TEST(Random, PermutesEachNumberOnce) {
  Generator generator(11);
  auto order = randperm(100, generator).to_vector<std::int64_t>();
  EXPECT_NE(order, arange(0, 100).to_vector<std::int64_t>());
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, arange(0, 100).to_vector<std::int64_t>());
}

TEST(Creation, MakesWhatItSays) {
  EXPECT_EQ(arange(0, 1, 0.25, f64).to_vector<double>(), (std::vector<double>{0, 0.25, 0.5, 0.75}));
  EXPECT_EQ(arange(5, 0, -2).to_vector<int>(), (std::vector<int>{5, 3, 1}));
  EXPECT_EQ(arange(3, 0).numel(), 0);
  EXPECT_EQ(eye(3).to_vector<int>(), (std::vector<int>{1, 0, 0, 0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(full({2}, 7, i64).to_vector<int>(), (std::vector<int>{7, 7}));
  expect_error<UsageError>([] { arange(0, 1, 0); },
                           "arange: from 0 to 1 in steps of 0 (want finite bounds and a step that is not 0)");
}

}  // namespace
}  // namespace dagrad
