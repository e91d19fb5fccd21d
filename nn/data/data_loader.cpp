#include "dagrad/nn/data/data_loader.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/gather_rows.h"
#include "dagrad/nn/data/prefetcher.h"

namespace dagrad::data {
namespace {

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
  Source(Dataset dataset, LoaderOptions options, std::vector<std::int64_t> order, std::int64_t epoch)
      : dataset_(std::move(dataset)),
        options_(std::move(options)),
        order_(std::move(order)),
        generator_(Generator(options_.seed).fork(static_cast<std::uint64_t>(epoch)).fork(kTransformStream)) {
    const std::int64_t count = size();
    if (options_.workers > 0 && count > 0) {
      prefetcher_.emplace(count, options_.workers, std::int64_t{options_.workers} * options_.prefetch,
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
  auto source = std::make_shared<Iterator::Source>(dataset_, options_, std::move(order), epoch_);
  ++epoch_;
  return {std::move(source), 0};
}

DataLoader::Iterator::Iterator(std::shared_ptr<Source> source, std::int64_t index)
    : source_(std::move(source)), index_(index) {
  if (source_ && index_ < source_->size()) batch_ = source_->take(index_);
}

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  ++index_;
  batch_ = index_ < source_->size() ? source_->take(index_) : Batch{};
  return *this;
}

}  // namespace dagrad::data
