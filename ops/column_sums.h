// Sums over the rows of a matrix. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad {

/// dst[j] = sum_i src[i, j] for src [N, C] of any strides and contiguous dst [C], both of one floating type.
void column_sums(const Tensor& src, Tensor& dst);

}  // namespace dagrad
