// Copying chosen rows of a tensor. Internal.
#pragma once

#include <span>

#include "dagrad/core/tensor.h"

namespace dagrad::data {

/// The rows (along axis 0) of `source` at `indices`, which are in range. `source` is contiguous.
Tensor gather_rows(const Tensor& source, std::span<const std::int64_t> indices);

}  // namespace dagrad::data
