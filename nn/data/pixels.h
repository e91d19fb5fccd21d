// Pixels as numbers. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad::data {

/// The bytes of a contiguous u8 tensor divided by 255, as f32 of `shape`.
Tensor pixels(const Tensor& bytes, const Shape& shape);

}  // namespace dagrad::data
