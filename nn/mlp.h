// Multi-layer perceptrons in one line.
#pragma once

#include <vector>

#include "dagrad/nn/sequential.h"

namespace dagrad::nn {

enum class ActivationKind { relu, tanh, sigmoid };
/// How weights start: as Linear makes them, or He's normal or Xavier's uniform draws with biases of 0.
enum class InitKind { standard, he, xavier };

struct MlpOptions {
  ActivationKind activation = ActivationKind::relu;
  double dropout = 0;  ///< behind each activation
  InitKind init = InitKind::standard;
};

/// Linear layers of the given widths with an activation (and dropout) between them:
/// `mlp({784, 256, 128, 10}, {.dropout = 0.2})`. Throws UsageError with fewer than two widths.
Sequential mlp(const std::vector<std::int64_t>& widths, const MlpOptions& options = {});

}  // namespace dagrad::nn
