// What the padding of a convolution makes of NaN and infinities. Internal.
//
// Note [Zeros of a padding]. A padding is zeros that take part in the sums. So a NaN or an infinity in src reaches the
// results whose window covers it, and no others; but one in the weights reaches every result of its output channel,
// through 0 times it where it meets the padding, and one in diff_dst every weight's gradient of its channel. Some
// kernels leave products with the padding out, some do not; that shows in nothing else. So where the operand that meets
// the padding is not finite, the convolution runs once more, over a source with zeros around it. That it is finite can
// be told from a few results: one window that lies within the source, or the bias's gradient, sees all of it.
//
// That holds for convolutions and their gradients in f64 and f32, and for convolutions in bf16. The gradients in bf16,
// and so transposed convolutions, are oneDNN's as they come: it adds up pairs, and multiplies by zeros what stands
// beside an odd end. What is not finite by the above is not finite there either, but a neighbour may be NaN as well.
#pragma once

#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/tensor.h"

namespace dagrad::zero_padding {

/// Whether the convolution has to run again since some of the weights that meet its padding are not finite.
bool meets_nonfinite_weights(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights,
                             const Tensor& dst);
/// The same for the gradient of the weights, from the sums of diff_dst over each channel.
bool meets_nonfinite_diff(const onednn::ConvolutionGeometry& geometry, const Tensor& diff_bias);

/// src with its zeros around it, channels-last, and the geometry of the same convolution over that.
struct Padded {
  onednn::ConvolutionGeometry geometry;
  Tensor src;
};
Padded padded(const onednn::ConvolutionGeometry& geometry, const Tensor& src);

/// Whether oneDNN 2.6 is not to see the padding when it sums up the gradient of the weights. It reads what is not there
/// where a padded source is shorter along an axis than a window, or than the step from one to the next (in bf16 the
/// last axis), and where windows move along a padded depth by more than one.
bool mistakes_padding(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights);

}  // namespace dagrad::zero_padding
