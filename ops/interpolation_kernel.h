// Weighted sums along each spatial axis. Internal.
#pragma once

#include <array>

#include "dagrad/core/tensor.h"
#include "dagrad/ops/interpolation_taps.h"

namespace dagrad::interpolation {

/// dst[n, c, z, y, x] = the sum of src over the products of the taps of z, y and x. The first axes of fewer than three
/// are [1]. src has no gaps and lies as dst does, whether row-major or channels-last. bf16 is summed in f32. Each
/// element of dst is added up in the same order on any number of threads.
void resample(const std::array<Taps, 3>& taps, const Tensor& src, Tensor& dst);

}  // namespace dagrad::interpolation
