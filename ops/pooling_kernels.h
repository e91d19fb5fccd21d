// The kernels of pooling. Internal.
#pragma once

#include "dagrad/core/tensor.h"
#include "dagrad/ops/pooling_windows.h"

namespace dagrad::pooling {

// Tensors are dense and channels-last: [N, spatial..., C] in memory, one floating type in a call. `numbers` holds for
// each result the number of the largest element in its window, as numbers_dtype() says; nothing_taken() where the
// window lies in the padding altogether.

/// u8 where it is wide enough, else i64.
DType numbers_dtype(const Windows& windows);
std::int64_t nothing_taken(DType numbers);

/// dst = the largest element of each window; a NaN is the largest, of equals the first is taken. With `floor`, elements
/// that are not above 0 are never taken, and dst is 0 where none is.
void max(const Windows& windows, bool floor, const Tensor& src, Tensor& dst, Tensor& numbers);
/// diff_src = diff_dst where an element was taken, summed over windows.
void max_scatter(const Windows& windows, const Tensor& diff_dst, const Tensor& numbers, Tensor& diff_src);
/// dst = src where it was taken: the adjoint of max_scatter.
void max_gather(const Windows& windows, const Tensor& src, const Tensor& numbers, Tensor& dst);

/// dst = weight of the window times the sum of its elements; `weights` has one for each window of a plane.
void weighted_sum(const Windows& windows, const double* weights, const Tensor& src, Tensor& dst);
/// Its adjoint.
void weighted_scatter(const Windows& windows, const double* weights, const Tensor& diff_dst, Tensor& diff_src);

}  // namespace dagrad::pooling
