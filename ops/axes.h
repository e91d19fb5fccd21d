// The axes that a reduction runs over, as users name them.
#pragma once

#include <cstdint>
#include <vector>

namespace dagrad {

/// Axes from 0, or from the end when negative; none named means all.
using Axes = std::vector<std::int64_t>;

}  // namespace dagrad
