// Cutting a dataset into parts.
#pragma once

#include <cstdint>
#include <vector>

#include "dagrad/nn/data/dataset.h"

namespace dagrad::data {

struct SplitOptions {
  bool shuffle = true;    ///< else the parts are stretches in the dataset's order
  bool stratify = false;  ///< each class is cut by itself, so that every part has its share
  std::uint64_t seed = 0;
};

/// Parts of the given shares, which together are every sample once: `split(all, {0.8, 0.1, 0.1})` for training,
/// validation and testing. Sizes are rounded so that they sum up to all. Throws UsageError unless the shares are above
/// 0 and sum to 1 (or less: the rest is left out), and when a part would be empty.
std::vector<Dataset> split(const Dataset& dataset, const std::vector<double>& shares, const SplitOptions& options = {});

/// The indices of the samples of each part.
std::vector<std::vector<std::int64_t>> split_indices(const Dataset& dataset, const std::vector<double>& shares,
                                                     const SplitOptions& options = {});

/// One way of holding back a part to validate with.
struct Fold {
  std::vector<std::int64_t> train, validation;
};

/// `folds` ways, such that each sample is held back in exactly one. Throws UsageError unless 2 <= folds <= samples.
std::vector<Fold> k_fold(const Dataset& dataset, std::int64_t folds, const SplitOptions& options = {});

}  // namespace dagrad::data
