// Batches of a dataset.
#pragma once

#include <cstdint>
#include <vector>

#include "dagrad/nn/data/dataset.h"

namespace dagrad::data {

/// A few samples: features [B, ...], labels [B].
struct Batch {
  Tensor features, labels;
  std::int64_t index = 0;  ///< of the batch in its epoch
  std::int64_t size() const { return features.size(0); }
};

struct LoaderOptions {
  std::int64_t batch_size = 64;  ///< 1: stochastic, n: mini-batch, 0: the whole dataset at once (batch descent)
  bool shuffle = true;           ///< a new order for each epoch
  std::uint64_t seed = 0;        ///< the order of epoch e depends on seed and e alone
  bool drop_last = false;        ///< leave out a last batch that is smaller than the others
};

/// Goes through a dataset in batches: `for (const Batch& batch : loader) ...` is one epoch, and the next such loop the
/// next one. Not thread-safe.
class DataLoader {
 public:
  /// Throws UsageError for an empty dataset, a negative batch size, or features and labels of different numbers.
  explicit DataLoader(Dataset dataset, const LoaderOptions& options = {});

  /// How many batches an epoch has.
  std::int64_t size() const;
  const Dataset& dataset() const { return dataset_; }
  /// The number of epochs begun; setting it gives the order of that epoch to the next loop.
  std::int64_t epoch() const { return epoch_; }
  void set_epoch(std::int64_t epoch) { epoch_ = epoch; }

  class Iterator {
   public:
    const Batch& operator*() const { return batch_; }
    const Batch* operator->() const { return &batch_; }
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    friend class DataLoader;
    Iterator(const DataLoader* loader, std::int64_t index);
    void load();
    const DataLoader* loader_;
    std::int64_t index_;
    Batch batch_;
  };
  Iterator begin();
  Iterator end() const { return {this, size()}; }

 private:
  Dataset dataset_;
  LoaderOptions options_;
  std::int64_t epoch_ = 0;
  std::vector<std::int64_t> order_;
};

}  // namespace dagrad::data
