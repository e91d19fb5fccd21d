#include "dagrad/nn/data/data_loader.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/gather_rows.h"

namespace dagrad::data {

DataLoader::DataLoader(Dataset dataset, const LoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  if (dataset_.size() == 0) throw UsageError("DataLoader: the dataset is empty (want at least one sample)");
  if (dataset_.labels.dim() != 1 || dataset_.labels.size(0) != dataset_.size()) {
    throw UsageError(fmt::format("DataLoader: features {}, labels {} (want one label a sample)",
                                 dataset_.features.shape().str(), dataset_.labels.shape().str()));
  }
  if (options.batch_size < 0)
    throw UsageError(fmt::format("DataLoader: batch_size is {} (want at least 1, or 0 for all)", options.batch_size));
  if (options_.batch_size == 0) options_.batch_size = dataset_.size();
  if (size() == 0) {
    throw UsageError(
        fmt::format("DataLoader: batch_size {} with drop_last leaves nothing of {} samples (want a smaller batch)",
                    options.batch_size, dataset_.size()));
  }
  order_.resize(static_cast<std::size_t>(dataset_.size()));
}

std::int64_t DataLoader::size() const {
  const std::int64_t whole = dataset_.size() / options_.batch_size;
  return options_.drop_last || dataset_.size() % options_.batch_size == 0 ? whole : whole + 1;
}

DataLoader::Iterator DataLoader::begin() {
  std::iota(order_.begin(), order_.end(), 0);
  if (options_.shuffle) {
    Generator generator = Generator(options_.seed).fork(static_cast<std::uint64_t>(epoch_));
    for (std::size_t i = order_.size() - 1; i > 0; --i) std::swap(order_[i], order_[generator.next_below(i + 1)]);
  }
  ++epoch_;
  return {this, 0};
}

DataLoader::Iterator::Iterator(const DataLoader* loader, std::int64_t index) : loader_(loader), index_(index) {
  load();
}

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  ++index_;
  load();
  return *this;
}

void DataLoader::Iterator::load() {
  if (index_ >= loader_->size()) return;
  const auto& order = loader_->order_;
  const auto batch_size = static_cast<std::size_t>(loader_->options_.batch_size);
  const std::size_t first = static_cast<std::size_t>(index_) * batch_size;
  const std::span indices = std::span(order).subspan(first, std::min(batch_size, order.size() - first));
  batch_ = {gather_rows(loader_->dataset_.features, indices), gather_rows(loader_->dataset_.labels, indices), index_};
}

}  // namespace dagrad::data
