// Tensors whose elements fill one piece of memory, in any order of axes. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad::optim {

/// Whether the elements fill one piece of memory, each once.
bool is_dense(const Tensor& t);

/// Whether elements with the same index lie at the same offset from the first.
bool lies_like(const Tensor& t, const Tensor& other);

/// An uninitialised dense tensor whose elements lie in the order of `like`'s, which is dense.
Tensor dense_like(const Tensor& like, DType dtype);

/// One with the elements of `source`.
Tensor copy_like(const Tensor& like, DType dtype, const Tensor& source);

/// The type of what is kept beside a parameter of the type of `t`: f64 beside f64, else f32.
DType working_type(const Tensor& t);

}  // namespace dagrad::optim
