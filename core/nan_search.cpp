#include "dagrad/core/nan_search.h"

#include <cmath>

#include "dagrad/core/copy.h"

namespace dagrad {

std::optional<Shape> first_nan(const Tensor& t) {
  if (!t.defined() || !is_floating(t.dtype())) return std::nullopt;
  const Tensor values = contiguous_data(t);
  const std::int64_t count = values.numel();
  const std::int64_t position = visit_dtype(values.dtype(), [&]<class T>(T) -> std::int64_t {
    const T* data = values.data<T>();
    for (std::int64_t i = 0; i < count; ++i) {
      if (std::isnan(convert_to<double>(data[i]))) return i;
    }
    return count;
  });
  if (position == count) return std::nullopt;
  Shape index = t.shape();
  std::int64_t rest = position;
  for (int axis = index.rank() - 1; axis >= 0; --axis) {
    const std::int64_t size = t.shape()[axis];
    index[axis] = rest % size;
    rest /= size;
  }
  return index;
}

}  // namespace dagrad
