#include "dagrad/optim/density.h"

#include <algorithm>
#include <vector>

#include "dagrad/core/copy.h"

namespace dagrad::optim {

bool is_dense(const Tensor& t) {
  if (t.is_contiguous() || t.numel() == 0) return true;
  std::vector<int> axes;
  for (int axis = 0; axis < t.dim(); ++axis) {
    if (t.size(axis) != 1) axes.push_back(axis);
  }
  const Strides& strides = t.strides();
  std::sort(axes.begin(), axes.end(), [&](int a, int b) { return strides[a] < strides[b]; });
  std::int64_t next = 1;
  for (const int axis : axes) {
    if (strides[axis] != next) return false;
    next *= t.size(axis);
  }
  return true;
}

bool lies_like(const Tensor& t, const Tensor& other) {
  for (int axis = 0; axis < t.dim(); ++axis) {
    if (t.size(axis) != 1 && t.strides()[axis] != other.strides()[axis]) return false;
  }
  return true;
}

Tensor dense_like(const Tensor& like, DType dtype) {
  const Spec spec{like.shape(), dtype};
  if (like.is_contiguous()) return Tensor::allocate(spec);
  const auto bytes = static_cast<std::size_t>(like.numel()) * item_size(dtype);
  return Tensor::from_storage(Storage::allocate(bytes), spec, like.strides(), 0);
}

Tensor copy_like(const Tensor& like, DType dtype, const Tensor& source) {
  Tensor copy = dense_like(like, dtype);
  copy_elements(source, copy);
  return copy;
}

DType working_type(const Tensor& t) { return t.dtype() == f64 ? f64 : f32; }

}  // namespace dagrad::optim
