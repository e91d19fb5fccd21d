// Matrix products.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// The matrix product [..., M, K] @ [..., K, N] -> [..., M, N]; leading dimensions broadcast. A 1-dim `a` is a row, a
/// 1-dim `b` a column, and that dimension is dropped from the result (NumPy's rules). Transposed views are read in
/// place. f32, bf16 (summed in f32) and f64. Throws ShapeError, DTypeError.
Tensor matmul(const Tensor& a, const Tensor& b, Location where = Location::current());

/// src @ weights^T + bias: src [..., I], weights [O, I], bias [O] or undefined -> [..., O].
Tensor linear(const Tensor& src, const Tensor& weights, const Tensor& bias = {}, Location where = Location::current());

}  // namespace dagrad
