// Options: the optimizer, and for how long.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dagrad/optim/optimizer.h"
#include "tools/option_list.h"

namespace dagrad::tools {

struct OptimizerOptions {
  std::string optimizer = "adam";
  std::optional<double> lr, momentum, weight_decay, beta1, beta2, eps;  ///< none: the optimizer's own
  bool nesterov = false;
  std::string more;  ///< further options, like "amsgrad=1,beta2_decay=-0.7"
  std::optional<double> clip_value, clip_norm, clip_each_norm;
  std::int64_t batch_size = 64;
  std::int64_t epochs = 10;

  /// Whether a step needs to compute the loss several times.
  bool needs_closure() const;
};

void describe(OptimizerOptions& options, OptionList& list);
/// Throws UsageError.
void check(const OptimizerOptions& options);

/// Throws UsageError for options that the optimizer does not have or that are out of its range.
std::unique_ptr<optim::Optimizer> make_optimizer(const OptimizerOptions& options,
                                                 const std::vector<Tensor>& parameters);

/// For --help: every optimizer with its options and their defaults, a line each.
std::string optimizers_text();

}  // namespace dagrad::tools
