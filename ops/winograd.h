// Convolutions of 3 x 3 windows with fewer products. Internal.
#pragma once

#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/tensor.h"

namespace dagrad::winograd {

/// Whether the kernels here do the convolution of src to dst, and faster than oneDNN does: f32, windows of 3 x 3 that
/// move by one, channels in sixteens, enough of everything. See Note [Minimal filtering] in winograd_kernels.h.
bool takes(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& dst);

// As the functions of onednn, with src and dst channels-last. They return false where not all that they computed is
// finite: an element of a tile that is not, or a sum that overflows, spoils all others of it, so that what they wrote
// is of no use.

bool convolution(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights,
                 const Tensor& bias, Tensor& dst);
bool convolution_backward_data(const onednn::ConvolutionGeometry& geometry, const Tensor& diff_dst,
                               const Tensor& weights, Tensor& diff_src);
bool convolution_backward_weights(const onednn::ConvolutionGeometry& geometry, const Tensor& src,
                                  const Tensor& diff_dst, Tensor& diff_weights, Tensor& diff_bias);

}  // namespace dagrad::winograd
