// Whether draws have the frequencies that they were asked for: within five standard deviations, which a right sampler
// leaves once in some two million seeds.
#include "dagrad/ops/sampling.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/core/parallel.h"

namespace dagrad {
namespace {

using Integers = std::vector<std::int64_t>;

/// Whether `count` of `total` is what events of probability `p` may be: within five standard deviations.
::testing::AssertionResult is_likely(std::int64_t count, std::int64_t total, double p) {
  const double mean = static_cast<double>(total) * p, deviation = std::sqrt(mean * (1 - p));
  const double off = std::fabs(static_cast<double>(count) - mean);
  if (off <= 5 * deviation) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << count << " of " << total << ", want " << mean << " +- " << deviation;
}

constexpr std::int64_t kDraws = 60'000;

TEST(Bernoulli, DrawsOnesAsOftenAsItIsTold) {
  for (const double p : {0.001, 0.25, 0.5, 0.9}) {
    Generator generator(5);
    std::int64_t ones = 0;
    for (const double x : bernoulli(full({kDraws}, p, f64), generator).to_vector<double>()) {
      EXPECT_TRUE(x == 0 || x == 1) << x;
      ones += x == 1 ? 1 : 0;
    }
    EXPECT_TRUE(is_likely(ones, kDraws, p)) << "p = " << p;
  }
}

TEST(Bernoulli, DrawsNeighboursForThemselves) {
  Generator generator(6);
  const auto x = bernoulli(full({kDraws}, 0.5), generator).to_vector<int>();
  for (const std::size_t distance : {1U, 2U, 3U, 4U, 512U}) {
    std::int64_t equal = 0;
    for (std::size_t i = distance; i < x.size(); ++i) equal += x[i] == x[i - distance] ? 1 : 0;
    EXPECT_TRUE(is_likely(equal, kDraws - static_cast<std::int64_t>(distance), 0.5)) << distance << " apart";
  }
}

TEST(Bernoulli, IsAConstantToDerivatives) {
  const Tensor p = full({4}, 0.5).requires_grad_();
  Generator generator(7);
  EXPECT_FALSE(bernoulli(p, generator).requires_grad());
}

TEST(Multinomial, WithReplacementDrawsInProportion) {
  Generator generator(8);
  const std::vector<double> weights{1, 0, 3, 0.5, 5.5};
  Integers counts(5);
  for (const std::int64_t c : multinomial(tensor(weights), kDraws, true, generator).to_vector<std::int64_t>())
    ++counts[static_cast<std::size_t>(c)];
  EXPECT_EQ(counts[1], 0);
  for (std::size_t c = 0; c < 5; ++c) EXPECT_TRUE(is_likely(counts[c], kDraws, weights[c] / 10)) << "class " << c;
}

TEST(Multinomial, WithoutReplacementDrawsEachFromThoseThatAreLeft) {
  Generator generator(9);
  const std::vector<double> p{0.1, 0.2, 0.3, 0.4};
  Tensor rows = Tensor::allocate({{kDraws, 4}, f64});
  for (std::int64_t i = 0; i < 4 * kDraws; ++i) rows.mutable_data<double>()[i] = p[static_cast<std::size_t>(i % 4)];
  const auto drawn = multinomial(rows, 2, false, generator).to_vector<std::int64_t>();
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> pairs;
  for (std::size_t i = 0; i < drawn.size(); i += 2) ++pairs[{drawn[i], drawn[i + 1]}];
  for (std::int64_t a = 0; a < 4; ++a) {
    for (std::int64_t b = 0; b < 4; ++b) {
      const double first = p[static_cast<std::size_t>(a)], second = p[static_cast<std::size_t>(b)];
      const std::int64_t count = pairs[{a, b}];
      if (a == b)
        EXPECT_EQ(count, 0);
      else
        EXPECT_TRUE(is_likely(count, kDraws, first * second / (1 - first))) << a << ", then " << b;
    }
  }
}

TEST(Multinomial, WithoutReplacementCanDrawAllThereAreInAnyOrder) {
  Generator generator(10);
  const Tensor weights = tensor({0, 1e-300, 2, 0, 1e300}, f64);
  std::set<Integers> orders;
  for (int i = 0; i < 20; ++i) {
    const auto drawn = multinomial(weights, 3, false, generator).to_vector<std::int64_t>();
    EXPECT_EQ(std::set<std::int64_t>(drawn.begin(), drawn.end()), (std::set<std::int64_t>{1, 2, 4}));
  }
  for (int i = 0; i < 100; ++i) orders.insert(multinomial(ones({3}), 3, false, generator).to_vector<std::int64_t>());
  EXPECT_EQ(orders.size(), 6U);
}

/// What both functions draw from a seed with so many threads.
std::vector<Integers> drawn_with(int threads, std::uint64_t seed) {
  const ThreadLimit limit(threads);
  Generator generator(seed);
  const Tensor p = full({700, 50}, 0.5);
  return {bernoulli(p, generator).to_vector<std::int64_t>(),
          multinomial(p, 20, true, generator).to_vector<std::int64_t>(),
          multinomial(p, 20, false, generator).to_vector<std::int64_t>(),
          multinomial(p, 20, false, generator).to_vector<std::int64_t>()};
}

TEST(Sampling, DependsOnTheSeedAndNotOnTheNumberOfThreads) {
  const auto one = drawn_with(1, 3), two = drawn_with(2, 3), three = drawn_with(3, 3), other = drawn_with(1, 4);
  EXPECT_EQ(one, two);
  EXPECT_EQ(one, three);
  for (std::size_t k = 0; k < one.size(); ++k) EXPECT_NE(one[k], other[k]);
  EXPECT_NE(one[2], one[3]);  // the generator has moved on
}

}  // namespace
}  // namespace dagrad
