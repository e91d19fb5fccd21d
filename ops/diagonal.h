// Diagonals and triangles of matrices. Diagonal `offset` is the main one moved to the right, or to the left when
// negative: it holds the elements with column - row == offset.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// A view of a diagonal of the matrices that two axes span. Both are dropped; the diagonal runs along a new last axis.
/// It may be empty.
Tensor diagonal(const Tensor& src, std::int64_t offset = 0, std::int64_t axis1 = 0, std::int64_t axis2 = 1,
                Location where = Location::current());
/// The inverse: square matrices, over the result's axes `axis1` and `axis2`, of zeros with the last axis of `src` on a
/// diagonal.
Tensor diag_embed(const Tensor& src, std::int64_t offset = 0, std::int64_t axis1 = -2, std::int64_t axis2 = -1,
                  Location where = Location::current());
/// diag_embed of a vector, diagonal of a matrix. Throws ShapeError on other dimensions.
Tensor diag(const Tensor& src, std::int64_t offset = 0, Location where = Location::current());
/// The sum of a matrix's main diagonal.
Tensor trace(const Tensor& src, Location where = Location::current());

/// The matrices [..., M, N] with 0 below (triu) or above (tril) a diagonal; also where `src` is NaN there. The gradient
/// is masked in the same way.
Tensor triu(const Tensor& src, std::int64_t offset = 0, Location where = Location::current());
Tensor tril(const Tensor& src, std::int64_t offset = 0, Location where = Location::current());

}  // namespace dagrad
