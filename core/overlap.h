// Elements that lie in one place. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad {

/// Whether some element of `a` may lie where one of `b` lies: their ranges of the same storage meet.
bool share_memory(const Tensor& a, const Tensor& b);

/// Whether two indices may lead to one element, as in an expanded tensor.
bool overlaps_itself(const Tensor& t);

}  // namespace dagrad
