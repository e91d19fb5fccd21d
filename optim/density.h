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

}  // namespace dagrad::optim
