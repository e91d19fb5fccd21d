// Looking for NaN. Internal.
#pragma once

#include <optional>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// The index of the first NaN in row-major order, if there is one. Integers have none.
std::optional<Shape> first_nan(const Tensor& t);

}  // namespace dagrad
