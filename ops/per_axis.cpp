#include "dagrad/ops/per_axis.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/error.h"

namespace dagrad {

PerAxis::PerAxis(std::initializer_list<std::int64_t> values) : count_(static_cast<int>(values.size())) {
  if (values.size() < 1 || values.size() > values_.size())
    throw UsageError(fmt::format("options: {} numbers (want one for each of 1 to 3 spatial axes)", values.size()));
  std::copy(values.begin(), values.end(), values_.begin());
}

std::array<std::int64_t, 3> values_of(const char* function, int axes, const char* what, const PerAxis& given,
                                      std::int64_t least) {
  if (given.count() != 1 && given.count() != axes)
    throw UsageError(fmt::format("{}: {} has {} numbers (want 1{})", function, what, given.count(),
                                 axes > 1 ? fmt::format(" or {}", axes) : ""));
  std::array<std::int64_t, 3> result{};
  for (int axis = 0; axis < axes; ++axis) {
    if (given[axis] < least)
      throw UsageError(fmt::format("{}: {} is {} (want at least {})", function, what, given[axis], least));
    // So that what is computed from two of them fits 64 bits.
    if (constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max(); given[axis] > most)
      throw UsageError(fmt::format("{}: {} is {} (want at most {})", function, what, given[axis], most));
    result[static_cast<std::size_t>(axis)] = given[axis];
  }
  return result;
}

}  // namespace dagrad
