// Where an element of a tensor stands. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/shape.h"

namespace dagrad {

/// The index along each axis of element number `position` in row-major order.
inline Shape index_at(const Shape& shape, std::int64_t position) {
  Shape index = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[axis] = position % shape[axis];
    position /= shape[axis];
  }
  return index;
}

}  // namespace dagrad
