#include "op_table/array.h"

#include <algorithm>

namespace dagrad::op_table {

Array::Array(const Shape& of_shape, double value)
    : shape(of_shape), values(static_cast<std::size_t>(count_of(of_shape)), value) {}

std::int64_t count_of(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

std::int64_t flat(const Shape& shape, const Index& index) {
  const std::size_t lead = index.size() - shape.size();
  std::int64_t position = 0;
  for (int i = 0; i < shape.rank(); ++i) {
    position = position * shape[i] + (shape[i] == 1 ? 0 : index[lead + static_cast<std::size_t>(i)]);
  }
  return position;
}

void indices::advance() {
  for (int axis = shape_.rank() - 1; axis >= 0; --axis) {
    if (++index_[static_cast<std::size_t>(axis)] < shape_[axis]) return;
    index_[static_cast<std::size_t>(axis)] = 0;
  }
}

Shape broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  for (int i = 1; i <= shorter.rank(); ++i) {
    std::int64_t& size = result[longer.rank() - i];
    if (size == 1) size = shorter[shorter.rank() - i];
  }
  return result;
}

Arrays absolute(std::span<const Array> arrays) {
  Arrays result;
  for (const Array& array : arrays) result.push_back(absolute(array));
  return result;
}

Array to_array(const Tensor& t) { return {t.shape(), t.to_vector<double>()}; }

Arrays to_arrays(std::span<const Tensor> tensors) {
  Arrays result;
  for (const Tensor& t : tensors) result.push_back(to_array(t));
  return result;
}

}  // namespace dagrad::op_table
