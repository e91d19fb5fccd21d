// Looking for values that should not be. Internal.
#pragma once

#include <optional>
#include <string>

#include "dagrad/core/tensor.h"

namespace dagrad {

struct BadValue {
  Shape index;
  double value;
};

/// The first NaN in row-major order (where AnomalyMode says so: or infinity), if there is one. Integers have none.
std::optional<BadValue> first_bad(const Tensor& t);

/// ` 'name' f32 [2, 3] from -1 to 4`, with the first NaN where there is one.
std::string described(const Tensor& t);

}  // namespace dagrad
