#include "dagrad/nn/data/data_loader.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "expect_error.h"

namespace dagrad::data {
namespace {

/// Sample i has the features (i, 10 i) and the label i.
Dataset counted(std::int64_t count) {
  Dataset dataset{empty({count, 2}), arange(0, static_cast<double>(count)), count};
  float* x = dataset.features.mutable_data<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    x[2 * i] = static_cast<float>(i);
    x[2 * i + 1] = static_cast<float>(10 * i);
  }
  return dataset;
}

std::vector<std::int64_t> labels_of_epoch(DataLoader& loader) {
  std::vector<std::int64_t> labels;
  for (const Batch& batch : loader) {
    const auto part = batch.labels.to_vector<std::int64_t>();
    labels.insert(labels.end(), part.begin(), part.end());
    for (std::int64_t i = 0; i < batch.size(); ++i)
      EXPECT_EQ(batch.features.data<float>()[2 * i + 1], 10.0f * static_cast<float>(part[static_cast<std::size_t>(i)]));
  }
  return labels;
}

TEST(DataLoader, VisitsEachSampleOnceAnEpoch) {
  DataLoader loader(counted(10), {.batch_size = 4});
  EXPECT_EQ(loader.size(), 3);
  auto labels = labels_of_epoch(loader);
  std::sort(labels.begin(), labels.end());
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(labels[i], static_cast<std::int64_t>(i));
}

TEST(DataLoader, ShufflesEachEpochAnewAndRepeatsUnderItsSeed) {
  DataLoader a(counted(50), {.batch_size = 8, .seed = 1}), b(counted(50), {.batch_size = 8, .seed = 1}),
      c(counted(50), {.batch_size = 8, .seed = 2});
  const auto first = labels_of_epoch(a), second = labels_of_epoch(a);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, labels_of_epoch(b));
  EXPECT_NE(first, labels_of_epoch(c));
  a.set_epoch(0);
  EXPECT_EQ(first, labels_of_epoch(a));
}

TEST(DataLoader, CutsBatchesOfAnySize) {
  DataLoader single(counted(3), {.batch_size = 1, .shuffle = false});
  EXPECT_EQ(single.size(), 3);
  DataLoader whole(counted(5), {.batch_size = 0, .shuffle = false});
  EXPECT_EQ(whole.size(), 1);
  EXPECT_EQ((*whole.begin()).features.shape(), (Shape{5, 2}));
  DataLoader dropping(counted(10), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(labels_of_epoch(dropping).size(), 8u);
}

TEST(DataLoader, SaysWhatIsWrong) {
  expect_error<UsageError>([] { DataLoader(Dataset{}); },
                           "DataLoader: the dataset is empty (want at least one sample)");
  expect_error<UsageError>([] { DataLoader(counted(3), {.batch_size = -1}); },
                           "DataLoader: batch_size is -1 (want at least 1, or 0 for all)");
  expect_error<UsageError>(
      [] { DataLoader(counted(3), {.batch_size = 4, .drop_last = true}); },
      "DataLoader: batch_size 4 with drop_last leaves nothing of 3 samples (want a smaller batch)");
  Dataset uneven = counted(3);
  uneven.labels = zeros({2}, i64);
  expect_error<UsageError>([&] { DataLoader{uneven}; },
                           "DataLoader: features [3, 2], labels [2] (want one label a sample)");
  const std::vector<std::int64_t> indices{0, 3};
  expect_error<UsageError>([&] { (void)counted(3).subset(indices); }, "subset: index 3 (want 0 to 2)");
}

}  // namespace
}  // namespace dagrad::data
