// The Jacobian by backward, and whether backward behaves. Internal.
#pragma once

#include <string>
#include <vector>

#include "dagrad/core/checked_function.h"
#include "dagrad/core/random.h"

namespace dagrad {

/// d rows / d elements of each checked input, one backward per row.
struct AnalyticJacobian {
  /// For each checked input: values[i][row * inputs[i].elements.size() + column].
  std::vector<std::vector<double>> values;
  /// For each checked input: whether any gradient came to it.
  std::vector<bool> reached;
  /// What backward does that it must not, each as one sentence. When it threw, `complete` is false.
  std::vector<std::string> faults;
  bool complete = true;
};

/// `floors[i][row]`: derivatives by checked input i that are below this are rounding errors.
AnalyticJacobian analytic_jacobian(const CheckedFunction& function, double rtol,
                                   const std::vector<std::vector<double>>& floors, std::uint64_t seed);

/// A contiguous leaf with elements from +-[0.5, 1.5): never near zero, so that nothing is hidden.
Tensor random_cotangent(const Shape& shape, Generator& generator);

}  // namespace dagrad
