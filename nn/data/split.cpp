#include "dagrad/nn/data/split.h"

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

using Indices = std::vector<std::int64_t>;

/// The samples, shuffled or not, in one group or by class.
std::vector<Indices> groups_of(const Dataset& dataset, const SplitOptions& options) {
  Generator generator(options.seed);
  std::vector<Indices> groups;
  if (options.stratify) {
    if (dataset.classes < 1) throw UsageError("split: stratify asks for classes, and the labels are numbers");
    std::map<std::int64_t, Indices> by_label;
    const auto labels = dataset.labels.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < labels.size(); ++i) by_label[labels[i]].push_back(static_cast<std::int64_t>(i));
    for (auto& [label, indices] : by_label) groups.push_back(std::move(indices));
  } else {
    Indices& all = groups.emplace_back(static_cast<std::size_t>(dataset.size()));
    std::iota(all.begin(), all.end(), 0);
  }
  if (options.shuffle) {
    for (Indices& group : groups) shuffle(group, generator);
  }
  return groups;
}

/// Cuts every group at the same shares; `carry` passes on what rounding left from one group to the next, so that the
/// parts' whole sizes are right as well.
std::vector<Indices> cut(const std::vector<Indices>& groups, const std::vector<double>& shares) {
  std::vector<Indices> parts(shares.size());
  std::vector<double> ends(shares.size());
  std::partial_sum(shares.begin(), shares.end(), ends.begin());
  std::vector<double> carry(shares.size(), 0.0);
  for (const Indices& group : groups) {
    std::size_t first = 0;
    for (std::size_t k = 0; k < shares.size(); ++k) {
      const double exact = ends[k] * static_cast<double>(group.size()) + carry[k];
      const auto end = static_cast<std::size_t>(
          std::clamp(std::floor(exact + 0.5), static_cast<double>(first), static_cast<double>(group.size())));
      carry[k] = exact - static_cast<double>(end);
      parts[k].insert(parts[k].end(), group.begin() + static_cast<std::ptrdiff_t>(first),
                      group.begin() + static_cast<std::ptrdiff_t>(end));
      first = end;
    }
  }
  return parts;
}

}  // namespace

std::vector<Indices> split_indices(const Dataset& dataset, const std::vector<double>& shares,
                                   const SplitOptions& options) {
  double sum = 0;
  for (const double share : shares) {
    if (!(share > 0)) throw UsageError(fmt::format("split: a share is {} (want all above 0)", share));
    sum += share;
  }
  if (shares.empty() || sum > 1 + 1e-9)
    throw UsageError(fmt::format("split: the shares sum to {} (want at most 1)", sum));
  std::vector<Indices> parts = cut(groups_of(dataset, options), shares);
  Generator generator = Generator(options.seed).fork(1);
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (parts[k].empty()) {
      throw UsageError(
          fmt::format("split: part {} of {} samples would be empty, with a share of {}", k, dataset.size(), shares[k]));
    }
    // Cut by class, the parts would lie class by class.
    if (options.stratify && options.shuffle) shuffle(parts[k], generator);
    if (!options.shuffle) std::sort(parts[k].begin(), parts[k].end());
  }
  return parts;
}

std::vector<Dataset> split(const Dataset& dataset, const std::vector<double>& shares, const SplitOptions& options) {
  std::vector<Dataset> result;
  for (const Indices& part : split_indices(dataset, shares, options)) result.push_back(dataset.subset(part));
  return result;
}

std::vector<Fold> k_fold(const Dataset& dataset, std::int64_t folds, const SplitOptions& options) {
  if (folds < 2 || folds > dataset.size())
    throw UsageError(
        fmt::format("k_fold: {} folds of {} samples (want 2 to {})", folds, dataset.size(), dataset.size()));
  const std::vector<double> shares(static_cast<std::size_t>(folds), 1 / static_cast<double>(folds));
  const std::vector<Indices> parts = split_indices(dataset, shares, options);
  std::vector<Fold> result(parts.size());
  for (std::size_t k = 0; k < parts.size(); ++k) {
    result[k].validation = parts[k];
    for (std::size_t other = 0; other < parts.size(); ++other) {
      if (other != k) result[k].train.insert(result[k].train.end(), parts[other].begin(), parts[other].end());
    }
  }
  return result;
}

}  // namespace dagrad::data
