// Multi-layer perceptrons in one line.
#pragma once

#include <cstdint>
#include <vector>

#include "dagrad/nn/activation_kind.h"
#include "dagrad/nn/init_kind.h"
#include "dagrad/nn/norm_kind.h"
#include "dagrad/nn/sequential.h"

namespace dagrad::nn {

struct MlpOptions {
  ActivationKind activation = ActivationKind::relu;
  NormKind norm = NormKind::none;
  NormPlace norm_place = NormPlace::before_activation;
  double dropout = 0;  ///< behind each activation (and what normalizes it)
  WeightInit init = InitKind::standard;
};

/// Linear layers of the given widths with norm, activation and dropout between them: `mlp({784, 256, 128, 10},
/// {.activation = activation_kind("gelu"), .norm = NormKind::batch, .dropout = 0.2})`. A layer right before a batch
/// norm has no bias. Throws UsageError with fewer than two widths.
Sequential mlp(const std::vector<std::int64_t>& widths, const MlpOptions& options = {});

}  // namespace dagrad::nn
