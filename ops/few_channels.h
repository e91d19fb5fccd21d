// Convolutions of few input channels, like a network's first. Internal.
#pragma once

#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/tensor.h"

namespace dagrad::few_channels {

// oneDNN blocks channels by the width of a vector; where there are few of them, it computes mostly with nothing, or
// reorders the source. These kernels keep a band of the source in f32, with its padding and in line, and multiply one
// element by the weights of a vector of output channels at a time.

/// Whether the kernels here do this convolution, and faster than oneDNN does: f32 or bf16, not empty.
bool takes(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights);

/// As onednn::convolution(), from src of any strides.
void convolution(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights,
                 const Tensor& bias, Tensor& dst);
/// As onednn::convolution_backward_weights(), likewise. The sums do not depend on the number of threads.
void backward_weights(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& diff_dst,
                      Tensor& diff_weights, Tensor& diff_bias);

}  // namespace dagrad::few_channels
