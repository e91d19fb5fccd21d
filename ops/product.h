// Products of vectors, matrices and batches, each for exactly the dimensions that its name says. matmul() takes any.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// Matrices in batches: [B, M, K] @ [B, K, N] -> [B, M, N]. Throws ShapeError on other dimensions.
Tensor bmm(const Tensor& a, const Tensor& b, Location where = Location::current());
/// Matrix times vector: [M, K] @ [K] -> [M].
Tensor mv(const Tensor& matrix, const Tensor& vector, Location where = Location::current());
/// The sum of a[i] b[i] over two vectors of one length. Also i64.
Tensor dot(const Tensor& a, const Tensor& b, Location where = Location::current());
/// All products a[i] b[j] of two vectors: [M], [N] -> [M, N]. Also i64.
Tensor outer(const Tensor& a, const Tensor& b, Location where = Location::current());

}  // namespace dagrad
