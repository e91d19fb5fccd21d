// Changing the element type. Internal: users call to() of dagrad/ops/view.h.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// The elements as another type (`src` itself when it has it). Recorded; gradients are cast back.
Tensor cast(const Tensor& src, DType dtype, Location where);

}  // namespace dagrad
