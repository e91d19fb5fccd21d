// The op table's arrays as tensors of libtorch, and back.
#pragma once

#include <ATen/ATen.h>
#include <vector>

#include "op_table/op_table.h"

namespace dagrad::libtorch {

at::ScalarType scalar_type(DType dtype);
at::Tensor to_torch(const op_table::Array& array, DType dtype);
op_table::Array from_torch(const at::Tensor& t);
/// The same elements; of floating tensors only.
at::Tensor to_torch(const Tensor& t);

}  // namespace dagrad::libtorch
