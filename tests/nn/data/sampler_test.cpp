#include "dagrad/nn/data/sampler.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/data/generators.h"
#include "dagrad/nn/data/split.h"
#include "expect_error.h"

namespace dagrad::data {
namespace {

using Indices = std::vector<std::int64_t>;

Indices sorted(Indices indices) {
  std::sort(indices.begin(), indices.end());
  return indices;
}

Indices counted(std::int64_t count) { return SequentialSampler(count).order(0); }

/// 60 samples of class 0, 30 of class 1, 10 of class 2, mixed.
Tensor uneven_labels() {
  Tensor labels = empty({100}, i64);
  for (std::int64_t i = 0; i < 100; ++i) labels.mutable_data<std::int64_t>()[i] = i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2;
  return labels;
}

TEST(Sampler, ShufflesWithoutLosingAny) {
  const ShuffleSampler sampler(50, 3);
  EXPECT_EQ(sorted(sampler.order(0)), counted(50));
  EXPECT_NE(sampler.order(0), sampler.order(1));
  EXPECT_EQ(sampler.order(1), sampler.order(1));
  EXPECT_NE(sampler.order(0), ShuffleSampler(50, 4).order(0));
  const SubsetSampler part({7, 3, 9}, 1);
  EXPECT_EQ(sorted(part.order(5)), (Indices{3, 7, 9}));
}

TEST(Sampler, DrawsWithReplacementAsOftenAsTheWeightsSay) {
  // 40,000 draws: five standard errors of a share p are 5 sqrt(p (1 - p) / 40000).
  const auto expect_shares = [](const ReplacementSampler& sampler, const std::vector<double>& shares) {
    std::vector<double> counts(shares.size());
    for (const std::int64_t i : sampler.order(0)) counts[static_cast<std::size_t>(i)] += 1.0 / 40000;
    for (std::size_t i = 0; i < shares.size(); ++i)
      EXPECT_NEAR(counts[i], shares[i], 5 * std::sqrt(shares[i] * (1 - shares[i]) / 40000)) << i;
  };
  expect_shares(ReplacementSampler(4, 40000, 1), {0.25, 0.25, 0.25, 0.25});
  const std::vector<double> weights{1, 0, 3, 4, 0};
  expect_shares(ReplacementSampler(weights, 40000, 2), {0.125, 0, 0.375, 0.5, 0});
  expect_error<UsageError>([] { ReplacementSampler(0, 1, 0); },
                           "ReplacementSampler: 1 draws from 0 samples (want at least one)");
  const std::vector<double> negative{1, -1}, none{0, 0};
  expect_error<UsageError>([&] { ReplacementSampler(negative, 1, 0); },
                           "ReplacementSampler: weight 1 is -1 (want it finite, at least 0)");
  expect_error<UsageError>([&] { ReplacementSampler(none, 1, 0); },
                           "ReplacementSampler: the weights sum to 0 (want it finite, above 0)");
}

TEST(Sampler, StratifiesEveryStretch) {
  const Tensor labels = uneven_labels();
  const StratifiedSampler sampler(labels, 5);
  const Indices order = sampler.order(2);
  EXPECT_EQ(sorted(order), counted(100));
  EXPECT_NE(order, sampler.order(3));
  const double shares[] = {0.6, 0.3, 0.1};
  for (std::size_t length = 1; length <= 100; ++length) {
    for (std::size_t first = 0; first + length <= 100; ++first) {
      double counts[3] = {};
      for (std::size_t i = first; i < first + length; ++i) ++counts[labels.data<std::int64_t>()[order[i]]];
      for (std::size_t c = 0; c < 3; ++c) EXPECT_LE(std::abs(counts[c] - shares[c] * static_cast<double>(length)), 2.0);
    }
  }
}

TEST(Split, CutsIntoPartsThatAreTheWholeTogether) {
  Dataset all = blobs(103);
  const auto parts = split_indices(all, {0.7, 0.2, 0.1}, {.seed = 1});
  EXPECT_EQ(parts[0].size(), 72u);
  EXPECT_EQ(parts[1].size(), 21u);
  EXPECT_EQ(parts[2].size(), 10u);
  Indices together;
  for (const auto& part : parts) together.insert(together.end(), part.begin(), part.end());
  EXPECT_EQ(sorted(together), counted(103));
  EXPECT_EQ(parts, split_indices(all, {0.7, 0.2, 0.1}, {.seed = 1}));
  EXPECT_NE(parts, split_indices(all, {0.7, 0.2, 0.1}, {.seed = 2}));
  EXPECT_EQ(split_indices(all, {0.5, 0.25}, {.shuffle = false})[1].front(), 52);
  const auto sets = split(all, {0.5, 0.5}, {.shuffle = false});
  EXPECT_EQ(sets[0].features.to_vector<float>(), all.slice(0, 52).features.to_vector<float>());
}

TEST(Split, KeepsTheSharesOfClasses) {
  const Dataset all{empty({100, 1}), uneven_labels(), 3};
  for (const bool shuffle : {false, true}) {
    for (const auto& part : split_indices(all, {0.5, 0.3, 0.2}, {.shuffle = shuffle, .stratify = true})) {
      double counts[3] = {};
      for (const std::int64_t i : part) ++counts[all.labels.data<std::int64_t>()[i]];
      const auto size = static_cast<double>(part.size());
      EXPECT_EQ(counts[0] / size, 0.6);
      EXPECT_EQ(counts[1] / size, 0.3);
      EXPECT_EQ(counts[2] / size, 0.1);
    }
  }
}

TEST(Split, HoldsEachSampleBackOnceInKFolds) {
  const Dataset all = blobs(23);
  for (const bool stratify : {false, true}) {
    const auto folds = k_fold(all, 5, {.stratify = stratify});
    ASSERT_EQ(folds.size(), 5u);
    Indices held_back;
    for (const Fold& fold : folds) {
      EXPECT_TRUE(fold.validation.size() == 4 || fold.validation.size() == 5);
      held_back.insert(held_back.end(), fold.validation.begin(), fold.validation.end());
      Indices both = fold.train;
      both.insert(both.end(), fold.validation.begin(), fold.validation.end());
      EXPECT_EQ(sorted(both), counted(23));
    }
    EXPECT_EQ(sorted(held_back), counted(23));
  }
}

TEST(Split, SaysWhatIsWrong) {
  const Dataset all = blobs(10);
  expect_error<UsageError>([&] { split(all, {0.8, 0.3}); }, "split: the shares sum to 1.1 (want at most 1)");
  expect_error<UsageError>([&] { split(all, {0.8, 0}); }, "split: a share is 0 (want all above 0)");
  expect_error<UsageError>(
      [&] {
        split(all, {0.9, 0.01});
      },
      "split: part 1 of 10 samples would be empty, with a share of 0.01");
  expect_error<UsageError>([&] { k_fold(all, 11); }, "k_fold: 11 folds of 10 samples (want 2 to 10)");
  expect_error<UsageError>([] { split(regression(10).dataset, {0.5}, {.stratify = true}); },
                           "split: stratify asks for classes, and the labels are numbers");
}

}  // namespace
}  // namespace dagrad::data
