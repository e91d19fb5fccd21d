// What a tensor is made of that is written out in braces.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// A number, a list of numbers, or a list of such lists, all alike: `{{1, 2}, {3, 4}}` has the shape [2, 2]. Integers
/// are kept as i64, what has a fraction as f64.
class TensorValues {
 public:
  template <class Number>
  requires std::is_arithmetic_v<Number> TensorValues(Number value)
      : TensorValues(std::initializer_list<Number>{value}, Shape{}) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> TensorValues(std::initializer_list<Number> values)
      : TensorValues(values, Shape{static_cast<std::int64_t>(values.size())}) {}
  /// Throws ShapeError unless the rows have one shape.
  TensorValues(std::initializer_list<TensorValues> rows);

  const Tensor& in_order() const { return tensor_; }

 private:
  template <class Number>
  using Kept = std::conditional_t<std::is_integral_v<Number>, std::int64_t, double>;

  template <class Number>
  TensorValues(std::initializer_list<Number> values, const Shape& shape)
      : tensor_(Tensor::allocate({shape, dtype_of<Kept<Number>>})) {
    auto* to = tensor_.mutable_data<Kept<Number>>();
    for (const Number value : values) *to++ = static_cast<Kept<Number>>(value);
  }

  Tensor tensor_;  // row-major
};

}  // namespace dagrad
