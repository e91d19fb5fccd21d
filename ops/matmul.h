// Matrix products.
#pragma once

#include <cstdint>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// The matrix product [..., M, K] @ [..., K, N] -> [..., M, N]; leading dimensions broadcast. A 1-dim `a` is a row, a
/// 1-dim `b` a column, and that dimension is dropped from the result (NumPy's rules). Transposed views are read in
/// place. f32, bf16 (summed in f32) and f64. Throws ShapeError, DTypeError.
Tensor matmul(const Tensor& a, const Tensor& b, Location where = Location::current());

/// What linear() can apply to its result. gelu is the form with erf.
enum class Activation : std::uint8_t { relu, tanh, sigmoid, gelu };

/// src @ weights^T + bias: src [..., I], weights [O, I], bias [O] or undefined -> [..., O].
Tensor linear(const Tensor& src, const Tensor& weights, const Tensor& bias = {}, Location where = Location::current());
/// f(src @ weights^T + bias) as one op, without a tensor between: tanh and sigmoid inside the product's kernel, relu
/// and gelu in place. Values and gradients (0 for relu at 0) are those of the activation; for the gradient the result
/// is kept, and of gelu the sum.
Tensor linear(const Tensor& src, const Tensor& weights, const Tensor& bias, Activation activation,
              Location where = Location::current());

}  // namespace dagrad
