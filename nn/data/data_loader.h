// Batches of a dataset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>

#include "dagrad/core/random.h"
#include "dagrad/nn/data/dataset.h"
#include "dagrad/nn/data/sampler.h"
#include "dagrad/optim/state.h"

namespace dagrad::data {

/// A few samples: features [B, ...], labels [B] (or [B, ...] where they are numbers).
struct Batch {
  Tensor features, labels;
  std::int64_t index = 0;  ///< of the batch in its epoch
  std::int64_t size() const { return features.size(0); }
};

/// Changes a batch on its way: augmentation, mixup, ... All chance must come from `generator`, which depends on the
/// loader's seed, the epoch and the batch alone. Called from the workers' threads, several at a time.
using Transform = std::function<void(Batch& batch, Generator& generator)>;

struct LoaderOptions {
  std::int64_t batch_size = 64;  ///< 1: stochastic, n: mini-batch, 0: the whole dataset at once (batch descent)
  bool shuffle = true;           ///< a new order for each epoch
  std::uint64_t seed = 0;        ///< the order of epoch e depends on seed and e alone
  bool drop_last = false;        ///< leave out a last batch that is smaller than the others
  std::shared_ptr<const Sampler> sampler = {};  ///< which samples in which order, in place of `shuffle`
  Transform transform = {};
  int workers = 0;   ///< threads that prepare batches ahead; 0: each is prepared when it is asked for
  int prefetch = 2;  ///< how many batches each worker may be ahead
};

/// A place between two batches: the one that comes next.
struct LoaderPosition {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;
  bool operator==(const LoaderPosition&) const = default;
};

/// Goes through a dataset in batches: `for (const Batch& batch : loader) ...` is one epoch, and the next such loop the
/// next one. The batches are the same to the bit whatever the number of workers. What a worker throws comes out of the
/// loop at the batch that it was about. Not thread-safe.
class DataLoader {
 public:
  /// Throws UsageError for an empty dataset, features and labels of different numbers, labels out of range, features
  /// that are NaN or infinite, and options below 0.
  explicit DataLoader(Dataset dataset, const LoaderOptions& options = {});

  /// How many batches an epoch has.
  std::int64_t size() const;
  const Dataset& dataset() const { return dataset_; }
  /// The number of epochs begun; setting it gives the order of that epoch to the next loop.
  std::int64_t epoch() const { return epoch_; }
  void set_epoch(std::int64_t epoch) { set_position({epoch, 0}); }

  /// What comes after the batch that the latest loop took last, within it or after it: for going on there in another
  /// run, with the same batches.
  LoaderPosition position() const { return *position_; }
  /// The next loop goes through the rest of that epoch, from that batch on. Throws UsageError for a batch that the
  /// epoch has not.
  void set_position(const LoaderPosition& position);

  /// The position, and by what it is known that it is one in the same batches: the numbers of samples and batches, the
  /// seed.
  optim::State state() const;
  /// Checks that a state fits, and returns what takes the position over and cannot fail. Throws UsageError.
  [[nodiscard]] std::function<void()> prepare_state(const optim::State& state);
  void load_state(const optim::State& state) { prepare_state(state)(); }

  /// Goes through an epoch once. Copies share their place in it.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using pointer = const Batch*;
    using reference = const Batch&;

    const Batch& operator*() const { return batch_; }
    const Batch* operator->() const { return &batch_; }
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    friend class DataLoader;
    class Source;
    Iterator(std::shared_ptr<Source> source, std::shared_ptr<LoaderPosition> position, std::int64_t index);
    void take();
    std::shared_ptr<Source> source_;
    std::shared_ptr<LoaderPosition> position_;
    std::int64_t index_;
    Batch batch_;
  };
  Iterator begin();
  Iterator end() const { return {nullptr, nullptr, size()}; }

 private:
  Dataset dataset_;
  LoaderOptions options_;
  std::int64_t epoch_ = 0, first_ = 0;                                             // where the next loop begins
  std::shared_ptr<LoaderPosition> position_ = std::make_shared<LoaderPosition>();  // of the latest loop
};

}  // namespace dagrad::data
