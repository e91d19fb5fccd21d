// The comparison of optimizers in Kingma and Ba's paper on Adam.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dagrad/nn/data/dataset.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {

/// Goes on to this epoch with the `keep` runs of lowest cost so far.
struct TuningRound {
  std::size_t keep;
  std::int64_t until_epoch;
};

struct OptimizerComparison {
  std::int64_t width = 1000;  ///< of both hidden layers
  std::int64_t batch_size = 128;
  double dropout = 0.5;  ///< of the runs with dropout, on the hidden units
  std::vector<std::string> optimizers = {"nesterov", "adagrad", "rmsprop", "adadelta", "adam"};
  std::vector<double> rates = {1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3};
  std::vector<TuningRound> rounds = {{10, 1}, {4, 12}};
  std::uint64_t seed = 0;
};

/// One training: its cost, the mean cross-entropy of its batches, over each epoch.
struct OptimizerRun {
  std::string optimizer;
  double rate = 0;
  bool dropout = false;
  std::vector<double> costs;
  double test_accuracy = 0;
};

/// Trains with each optimizer at each rate, from the same weights on the same batches. Rates that are behind are given
/// up from round to round, the same number for every optimizer. All runs, those of an optimizer by cost, the best
/// first.
std::vector<OptimizerRun> compare_optimizers(const data::Split& data, const OptimizerComparison& comparison);

/// Tables and curves of the runs, and whether the ranking is the paper's.
void report_comparison(Notebook& book, const std::vector<OptimizerRun>& runs);

}  // namespace dagrad::tools::lab
