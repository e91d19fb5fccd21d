#include "dagrad/core/tensor_values.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"

namespace dagrad {

TensorValues::TensorValues(std::initializer_list<TensorValues> rows) {
  const Tensor* const first = rows.size() > 0 ? &rows.begin()->tensor_ : nullptr;
  Shape shape = first == nullptr ? Shape{} : first->shape();
  DType dtype = first == nullptr ? f64 : i64;
  for (const TensorValues& row : rows) {
    if (row.tensor_.shape() != shape) {
      throw ShapeError(fmt::format("tensor: row {} is {}, row 0 {} (want rows of one shape)", &row - rows.begin(),
                                   row.tensor_.shape().str(), shape.str()));
    }
    if (row.tensor_.dtype() == f64) dtype = f64;
  }
  const std::int64_t each = first == nullptr ? 0 : first->numel();
  shape.insert(0, static_cast<std::int64_t>(rows.size()));
  tensor_ = Tensor::allocate({shape, dtype});
  std::int64_t at = 0;
  for (const TensorValues& row : rows) {
    tensor_.alias({each}, {1}, at).copy_(row.tensor_.alias({each}, {1}, 0));
    at += each;
  }
}

}  // namespace dagrad
