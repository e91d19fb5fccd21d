// Averages of tensors that lie plane by plane. Internal.
#pragma once

#include "dagrad/core/tensor.h"
#include "dagrad/ops/pooling_windows.h"

namespace dagrad::pooling {

/// dst = weight of the window times the sum of its elements, like weighted_sum(), of a row-major src without laying it
/// out channels-last first. False, and nothing done, where that would not pay (small windows, whose results then lie
/// far apart) or the tensors are others.
bool average_planes(const Windows& windows, const double* weights, const Tensor& src, Tensor& dst);

}  // namespace dagrad::pooling
