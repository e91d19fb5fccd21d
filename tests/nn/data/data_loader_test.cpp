#include "dagrad/nn/data/data_loader.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <memory>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/data/augmentation.h"
#include "dagrad/ops/ops.h"
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

/// Everything about an epoch, to compare it bit by bit.
std::vector<float> all_of_epoch(DataLoader& loader) {
  std::vector<float> values;
  for (const Batch& batch : loader) {
    values.push_back(static_cast<float>(batch.index));
    for (const Tensor& t : {batch.features, batch.labels}) {
      const auto part = t.to_vector<float>();
      values.insert(values.end(), part.begin(), part.end());
    }
  }
  return values;
}

TEST(DataLoader, GivesTheSameBatchesWithAnyNumberOfWorkers) {
  LoaderOptions options{.batch_size = 7, .seed = 3};
  // Chance from the generator that is handed over, and from the thread's own.
  options.transform = [](Batch& batch, Generator& generator) {
    batch.features = batch.features + randn(batch.features.shape(), f32, generator) + randn(batch.features.shape());
  };
  manual_seed(9);
  DataLoader plain(counted(100), options);
  const auto first = all_of_epoch(plain), second = all_of_epoch(plain);
  EXPECT_NE(first, second);
  EXPECT_EQ(first.size(), 15 + 300u);
  for (const int workers : {1, 2, 5}) {
    options.workers = workers;
    for (const int prefetch : {1, 4}) {
      options.prefetch = prefetch;
      DataLoader loader(counted(100), options);
      EXPECT_EQ(all_of_epoch(loader), first);
      EXPECT_EQ(all_of_epoch(loader), second);
    }
  }
}

TEST(DataLoader, StopsItsWorkersWhenALoopIsLeft) {
  DataLoader loader(counted(1000), {.batch_size = 1, .workers = 3});
  for (int round = 0; round < 5; ++round) {
    for (const Batch& batch : loader) {
      if (batch.index == 3) break;
    }
  }
  // Two epochs at once, and a loader that ends before its iterator.
  auto a = loader.begin(), b = loader.begin();
  EXPECT_NE(a->labels.item<int>(), b->labels.item<int>());
  auto owned = std::make_unique<DataLoader>(counted(3), LoaderOptions{.batch_size = 1, .shuffle = false, .workers = 1});
  auto last = owned->begin();
  owned.reset();
  ++last;
  EXPECT_EQ(last->labels.item<int>(), 1);
}

TEST(DataLoader, ThrowsWhatAWorkerThrewAtItsBatch) {
  for (const int workers : {0, 2}) {
    LoaderOptions options{.batch_size = 1, .shuffle = false, .workers = workers};
    options.transform = [](Batch& batch, Generator&) {
      if (batch.index == 2) throw UsageError("bad batch");
    };
    DataLoader loader(counted(6), options);
    std::int64_t seen = 0;
    expect_error<UsageError>(
        [&] {
          for (const Batch& batch : loader) seen += batch.size();
        },
        "bad batch");
    EXPECT_EQ(seen, 2);
  }
}

TEST(DataLoader, GoesOnAtABatchWithinAnEpoch) {
  for (const int workers : {0, 2}) {
    const LoaderOptions options{.batch_size = 3, .seed = 4, .transform = add_noise(0.1), .workers = workers};
    DataLoader whole(counted(14), options);
    for (const Batch& batch : whole) static_cast<void>(batch);
    std::vector<std::vector<float>> second_epoch;
    for (const Batch& batch : whole) second_epoch.push_back(batch.features.to_vector<float>());

    for (std::int64_t first = 0; first < 5; ++first) {
      DataLoader later(counted(14), options);
      later.set_position({1, first});
      std::vector<std::vector<float>> rest;
      for (const Batch& batch : later) {
        EXPECT_EQ(batch.index, first + static_cast<std::int64_t>(rest.size()));
        rest.push_back(batch.features.to_vector<float>());
      }
      EXPECT_EQ(rest, (std::vector(second_epoch.begin() + first, second_epoch.end())));
      EXPECT_EQ(later.position(), (LoaderPosition{2, 0}));
      EXPECT_EQ((*later.begin()).index, 0) << "the epoch after it is not whole";
    }
  }
}

TEST(DataLoader, KnowsWhatComesAfterTheBatchItGaveLast) {
  DataLoader loader(counted(14), {.batch_size = 3, .workers = 2});
  EXPECT_EQ(loader.position(), (LoaderPosition{0, 0}));
  std::int64_t next = 1;
  for (const Batch& batch : loader) {
    EXPECT_EQ(loader.position(), (batch.index == 4 ? LoaderPosition{1, 0} : LoaderPosition{0, next}));
    ++next;
  }
  DataLoader other(counted(14), {.batch_size = 3, .workers = 2});
  loader.begin();
  other.load_state(loader.state());
  EXPECT_EQ(other.position(), (LoaderPosition{1, 1}));
}

TEST(DataLoader, RefusesThePositionOfOtherBatches) {
  DataLoader loader(counted(14), {.batch_size = 3});
  expect_error<UsageError>(
      [&] {
        loader.set_position({0, 5});
      },
      "DataLoader: set_position to batch 5 of epoch 0 (want a batch from 0 to 4)");
  const auto refused = [&](const DataLoader& other, const std::string& message) {
    expect_error<UsageError>([&] { loader.load_state(other.state()); }, message);
  };
  refused(DataLoader(counted(15), {.batch_size = 3}), "DataLoader: the state has 15 samples (want 14)");
  refused(DataLoader(counted(14), {.batch_size = 2}), "DataLoader: the state has 7 batches (want 5)");
  refused(DataLoader(counted(14), {.batch_size = 3, .seed = 1}),
          "DataLoader: the state has 1 as the low half of its seed (want 0)");
}

TEST(DataLoader, FollowsASampler) {
  const auto order = std::make_shared<ReplacementSampler>(10, 25, 1);
  DataLoader loader(counted(10), {.batch_size = 10, .sampler = order});
  EXPECT_EQ(loader.size(), 3);
  EXPECT_EQ(labels_of_epoch(loader), order->order(0));
  EXPECT_EQ(labels_of_epoch(loader), order->order(1));
  DataLoader beyond(counted(3), {.sampler = order});
  expect_error_with<UsageError>([&] { beyond.begin(); }, "DataLoader: the sampler gave index ");
}

TEST(DataLoader, TakesNumbersAsLabels) {
  DataLoader loader({randn({5, 2}), randn({5, 3}), 0}, {.batch_size = 2});
  EXPECT_EQ(loader.begin()->labels.shape(), (Shape{2, 3}));
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
  Dataset bad = counted(3);
  bad.features.mutable_data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  expect_error<UsageError>([&] { DataLoader{bad}; },
                           "DataLoader: sample 1 has a feature that is NaN or infinite (want finite numbers)");
  bad = counted(3);
  bad.classes = 2;
  expect_error<UsageError>([&] { DataLoader{bad}; }, "DataLoader: the label of sample 2 is 2 (want 0 to 1)");
  expect_error<UsageError>([] { DataLoader(counted(3), {.workers = -1}); }, "DataLoader: -1 workers (want at least 0)");
  expect_error<UsageError>([] { DataLoader(counted(3), {.prefetch = 0}); },
                           "DataLoader: prefetch is 0 (want at least 1)");
  const std::vector<std::int64_t> indices{0, 3};
  expect_error<UsageError>([&] { (void)counted(3).subset(indices); }, "subset: index 3 (want 0 to 2)");
}

}  // namespace
}  // namespace dagrad::data
