// The f64 kernels of the convolutions. Internal.
#pragma once

#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/tensor.h"

namespace dagrad::reference {

/// As onednn::convolution and its adjoints, for f64 of any strides and any sizes, by plain loops.
void convolution(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights,
                 const Tensor& bias, Tensor& dst);
void convolution_backward_data(const onednn::ConvolutionGeometry& geometry, const Tensor& diff_dst,
                               const Tensor& weights, Tensor& diff_src);
void convolution_backward_weights(const onednn::ConvolutionGeometry& geometry, const Tensor& src,
                                  const Tensor& diff_dst, Tensor& diff_weights, Tensor& diff_bias);

}  // namespace dagrad::reference
