#include "dagrad/nn/data/data_loader.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/gather_rows.h"
#include "dagrad/nn/data/prefetcher.h"

namespace dagrad::data {
namespace {

constexpr const char* kKind = "DataLoader";

std::int64_t batch_count(std::int64_t samples, const LoaderOptions& options) {
  const std::int64_t whole = samples / options.batch_size;
  return options.drop_last || samples % options.batch_size == 0 ? whole : whole + 1;
}

void check_options(const LoaderOptions& options) {
  if (options.batch_size < 0)
    throw UsageError(fmt::format("DataLoader: batch_size is {} (want at least 1, or 0 for all)", options.batch_size));
  if (options.workers < 0) throw UsageError(fmt::format("DataLoader: {} workers (want at least 0)", options.workers));
  if (options.prefetch < 1)
    throw UsageError(fmt::format("DataLoader: prefetch is {} (want at least 1)", options.prefetch));
}

void check_order(const std::vector<std::int64_t>& order, const Sampler& sampler, std::int64_t samples) {
  if (static_cast<std::int64_t>(order.size()) != sampler.size()) {
    throw UsageError(
        fmt::format("DataLoader: the sampler gave {} indices (want the {} it promises)", order.size(), sampler.size()));
  }
  for (const std::int64_t index : order) {
    if (index < 0 || index >= samples)
      throw UsageError(fmt::format("DataLoader: the sampler gave index {} (want 0 to {})", index, samples - 1));
  }
}

/// The calling thread's generator is another for a scope, so that a transform that uses it repeats as well.
class GeneratorScope {
 public:
  explicit GeneratorScope(const Generator& generator) : before_(std::exchange(default_generator(), generator)) {}
  ~GeneratorScope() { default_generator() = before_; }
  GeneratorScope(const GeneratorScope&) = delete;
  GeneratorScope& operator=(const GeneratorScope&) = delete;

 private:
  Generator before_;
};

}  // namespace

/// The batches of one epoch. Holds all that workers need, so that the loader may be changed or gone.
class DataLoader::Iterator::Source {
 public:
  Source(Dataset dataset, LoaderOptions options, std::vector<std::int64_t> order, std::int64_t epoch,
         std::int64_t first)
      : dataset_(std::move(dataset)),
        options_(std::move(options)),
        order_(std::move(order)),
        generator_(Generator(options_.seed).fork(static_cast<std::uint64_t>(epoch)).fork(kTransformStream)) {
    const std::int64_t count = size();
    if (options_.workers > 0 && count > first) {
      prefetcher_.emplace(first, count, options_.workers, std::int64_t{options_.workers} * options_.prefetch,
                          [this](std::int64_t i) {
                            // The batches share the processor; ops inside of each would only add threads.
                            const ThreadLimit limit(1);
                            return make(i);
                          });
    }
  }

  std::int64_t size() const { return batch_count(static_cast<std::int64_t>(order_.size()), options_); }
  Batch take(std::int64_t i) { return prefetcher_ ? prefetcher_->take() : make(i); }

 private:
  static constexpr std::uint64_t kTransformStream = 0x7472616e73666f72;  // apart from the samplers' streams

  Batch make(std::int64_t i) const {
    const auto batch_size = static_cast<std::size_t>(options_.batch_size);
    const std::size_t first = static_cast<std::size_t>(i) * batch_size;
    const std::span indices = std::span(order_).subspan(first, std::min(batch_size, order_.size() - first));
    Batch batch{gather_rows(dataset_.features, indices), gather_rows(dataset_.labels, indices), i};
    if (options_.transform) {
      const NoGrad guard;
      Generator generator = generator_.fork(static_cast<std::uint64_t>(i));
      const GeneratorScope scope(generator.fork(~std::uint64_t{0}));
      options_.transform(batch, generator);
    }
    return batch;
  }

  const Dataset dataset_;
  const LoaderOptions options_;
  const std::vector<std::int64_t> order_;
  const Generator generator_;
  std::optional<Prefetcher<Batch>> prefetcher_;  // last: its threads end before what they use does
};

DataLoader::DataLoader(Dataset dataset, const LoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  check_options(options);
  dataset_.check("DataLoader");
  // Else each batch would be gathered from a copy of the whole.
  dataset_.features = contiguous_data(dataset_.features);
  dataset_.labels = contiguous_data(dataset_.labels);
  if (!options_.sampler) {
    if (options.shuffle)
      options_.sampler = std::make_shared<ShuffleSampler>(dataset_.size(), options.seed);
    else
      options_.sampler = std::make_shared<SequentialSampler>(dataset_.size());
  }
  const std::int64_t samples = options_.sampler->size();
  if (options_.batch_size == 0) options_.batch_size = std::max<std::int64_t>(samples, 1);
  if (size() == 0) {
    throw UsageError(
        fmt::format("DataLoader: batch_size {} with drop_last leaves nothing of {} samples (want a smaller batch)",
                    options.batch_size, samples));
  }
}

std::int64_t DataLoader::size() const { return batch_count(options_.sampler->size(), options_); }

DataLoader::Iterator DataLoader::begin() {
  std::vector<std::int64_t> order = options_.sampler->order(epoch_);
  check_order(order, *options_.sampler, dataset_.size());
  const std::int64_t first = std::exchange(first_, 0);
  auto source = std::make_shared<Iterator::Source>(dataset_, options_, std::move(order), epoch_, first);
  position_ = std::make_shared<LoaderPosition>(LoaderPosition{epoch_, first});
  ++epoch_;
  return {std::move(source), position_, first};
}

void DataLoader::set_position(const LoaderPosition& position) {
  if (position.epoch < 0 || position.batch < 0 || position.batch >= size()) {
    throw UsageError(fmt::format("DataLoader: set_position to batch {} of epoch {} (want a batch from 0 to {})",
                                 position.batch, position.epoch, size() - 1));
  }
  epoch_ = position.epoch;
  first_ = position.batch;
  position_ = std::make_shared<LoaderPosition>(position);
}

optim::State DataLoader::state() const {
  optim::State state{.kind = kKind, .numbers = {}, .tensors = {}};
  state.numbers["samples"] = static_cast<double>(options_.sampler->size());
  state.numbers["batches"] = static_cast<double>(size());
  state.numbers["seed.low"] = static_cast<double>(options_.seed & 0xffffffff);
  state.numbers["seed.high"] = static_cast<double>(options_.seed >> 32);
  state.numbers["epoch"] = static_cast<double>(position_->epoch);
  state.numbers["batch"] = static_cast<double>(position_->batch);
  return state;
}

std::function<void()> DataLoader::prepare_state(const optim::State& state) {
  const optim::State own = this->state();
  optim::StateReader reader(kKind, state);
  reader.expect("samples", own.numbers.at("samples"), "samples");
  reader.expect("batches", own.numbers.at("batches"), "batches");
  reader.expect("seed.low", own.numbers.at("seed.low"), "as the low half of its seed");
  reader.expect("seed.high", own.numbers.at("seed.high"), "as the high half of its seed");
  const LoaderPosition position{reader.count("epoch"), reader.count("batch")};
  reader.finish();
  DataLoader copy = *this;
  copy.set_position(position);
  return [this, position] { set_position(position); };
}

DataLoader::Iterator::Iterator(std::shared_ptr<Source> source, std::shared_ptr<LoaderPosition> position,
                               std::int64_t index)
    : source_(std::move(source)), position_(std::move(position)), index_(index) {
  if (source_) take();
}

void DataLoader::Iterator::take() {
  if (index_ >= source_->size()) {
    batch_ = {};
    return;
  }
  batch_ = source_->take(index_);
  const bool is_last = index_ + 1 == source_->size();
  *position_ = is_last ? LoaderPosition{position_->epoch + 1, 0} : LoaderPosition{position_->epoch, index_ + 1};
}

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  ++index_;
  take();
  return *this;
}

}  // namespace dagrad::data
