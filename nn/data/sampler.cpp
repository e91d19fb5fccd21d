#include "dagrad/nn/data/sampler.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numeric>

#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/shuffle.h"

namespace dagrad::data {
namespace {

std::vector<std::int64_t> counted(std::int64_t count) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

Generator generator_of(std::uint64_t seed, std::int64_t epoch) {
  return Generator(seed).fork(static_cast<std::uint64_t>(epoch));
}

}  // namespace

std::vector<std::int64_t> SequentialSampler::order(std::int64_t) const { return counted(count_); }

std::vector<std::int64_t> ShuffleSampler::order(std::int64_t epoch) const {
  std::vector<std::int64_t> result = counted(count_);
  Generator generator = generator_of(seed_, epoch);
  shuffle(result, generator);
  return result;
}

ReplacementSampler::ReplacementSampler(std::int64_t count, std::int64_t draws, std::uint64_t seed)
    : count_(count), draws_(draws), seed_(seed) {
  if (count < 1 || draws < 0)
    throw UsageError(fmt::format("ReplacementSampler: {} draws from {} samples (want at least one)", draws, count));
}

ReplacementSampler::ReplacementSampler(std::span<const double> weights, std::int64_t draws, std::uint64_t seed)
    : ReplacementSampler(static_cast<std::int64_t>(weights.size()), draws, seed) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0 && std::isfinite(weights[i])))
      throw UsageError(fmt::format("ReplacementSampler: weight {} is {} (want it finite, at least 0)", i, weights[i]));
    cumulated_.push_back(sum += weights[i]);
  }
  if (!(sum > 0 && std::isfinite(sum)))
    throw UsageError(fmt::format("ReplacementSampler: the weights sum to {} (want it finite, above 0)", sum));
}

std::vector<std::int64_t> ReplacementSampler::order(std::int64_t epoch) const {
  std::vector<std::int64_t> result(static_cast<std::size_t>(draws_));
  Generator generator = generator_of(seed_, epoch);
  for (std::int64_t& index : result) {
    if (cumulated_.empty()) {
      index = static_cast<std::int64_t>(generator.next_below(static_cast<std::uint64_t>(count_)));
      continue;
    }
    // The first whose sum lies above the draw: never one of weight 0.
    const double draw = generator.next_uniform() * cumulated_.back();
    const auto found = std::upper_bound(cumulated_.begin(), cumulated_.end() - 1, draw);
    index = found - cumulated_.begin();
  }
  return result;
}

StratifiedSampler::StratifiedSampler(const Tensor& labels, std::uint64_t seed) : count_(labels.numel()), seed_(seed) {
  if (labels.dim() != 1 || is_floating(labels.dtype())) {
    throw UsageError(fmt::format("StratifiedSampler: labels are {} of {} (want class indices [N])",
                                 labels.shape().str(), name_of(labels.dtype())));
  }
  std::map<std::int64_t, std::vector<std::int64_t>> by_label;
  const auto values = labels.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) by_label[values[i]].push_back(static_cast<std::int64_t>(i));
  for (auto& [label, indices] : by_label) classes_.push_back(std::move(indices));
}

std::vector<std::int64_t> StratifiedSampler::order(std::int64_t epoch) const {
  // Each class is spread evenly over [0, 1) from a start of its own; the order is that of all places.
  Generator generator = generator_of(seed_, epoch);
  std::vector<std::pair<double, std::int64_t>> places;
  for (const auto& members : classes_) {
    std::vector<std::int64_t> indices = members;
    shuffle(indices, generator);
    const double start = generator.next_uniform();
    for (std::size_t i = 0; i < indices.size(); ++i)
      places.emplace_back((static_cast<double>(i) + start) / static_cast<double>(indices.size()), indices[i]);
  }
  std::sort(places.begin(), places.end());
  std::vector<std::int64_t> result;
  result.reserve(places.size());
  for (const auto& [place, index] : places) result.push_back(index);
  return result;
}

std::vector<std::int64_t> SubsetSampler::order(std::int64_t epoch) const {
  std::vector<std::int64_t> result = indices_;
  Generator generator = generator_of(seed_, epoch);
  shuffle(result, generator);
  return result;
}

}  // namespace dagrad::data
