// The two sides of a comparison: a case of the op table as dagrad does it, and as libtorch does.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "op_table/op_table.h"

namespace dagrad::compare_ops {

/// What is timed: the op without recording, or the op recorded and its gradients by every floating input.
enum class Kind { forward, step };

/// A case ready to run, any number of times.
struct Side {
  std::function<void()> run;
  std::function<op_table::Arrays()> results;  ///< the op's (forward) or the gradients (step)
};

/// Both sides read the same memory: that of `inputs`, and of `diff`, the gradients of a loss by the op's results. A
/// gradient that does not exist counts as zeros.
Side dagrad_side(const op_table::Sample& sample, const std::vector<Tensor>& inputs, const std::vector<Tensor>& diff,
                 Kind kind);
/// Nothing where libtorch has nothing like it; then `why_not` says why.
std::optional<Side> libtorch_side(const op_table::Row& row, const op_table::Sample& sample,
                                  const std::vector<Tensor>& inputs, const std::vector<Tensor>& diff, Kind kind,
                                  std::string& why_not);
/// Whether a row draws random numbers, so that the results of both sides differ.
bool draws(const op_table::Row& row);

void set_libtorch_threads(int threads);

}  // namespace dagrad::compare_ops
