#include "libtorch/bridge.h"

#include "dagrad/core/error.h"

namespace dagrad::libtorch {

at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::f64: return at::kDouble;
    case DType::f32: return at::kFloat;
    case DType::bf16: return at::kBFloat16;
    case DType::i64: return at::kLong;
    case DType::boolean: return at::kBool;
    default: throw DTypeError("libtorch: no such type in these tests");
  }
}

at::Tensor to_torch(const op_table::Array& array, DType dtype) {
  const std::vector<std::int64_t> sizes(array.shape.begin(), array.shape.end());
  at::Tensor t = at::empty(sizes, at::kDouble);
  std::copy(array.values.begin(), array.values.end(), t.data_ptr<double>());
  return t.to(scalar_type(dtype));
}

op_table::Array from_torch(const at::Tensor& t) {
  Shape shape;
  for (const std::int64_t size : t.sizes()) shape.push_back(size);
  op_table::Array result(shape);
  if (t._is_zerotensor()) return result;
  const at::Tensor from = t.detach().to(at::kDouble).contiguous();
  std::copy_n(from.data_ptr<double>(), from.numel(), result.values.begin());
  return result;
}

at::Tensor to_torch(const Tensor& t) {
  const std::vector<std::int64_t> sizes(t.shape().begin(), t.shape().end());
  const std::vector<double> values = t.to_vector<double>();
  at::Tensor result = at::empty(sizes, at::kDouble);
  std::copy(values.begin(), values.end(), result.data_ptr<double>());
  return result.to(scalar_type(t.dtype()));
}

}  // namespace dagrad::libtorch
