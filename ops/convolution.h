// Convolutions over one to three spatial axes, and their transposes.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/per_axis.h"

namespace dagrad {

/// Zeros around the source: as many at the beginning of an axis as at its end, or `Padding::same`.
class Padding {
 public:
  Padding(std::int64_t all = 0) : sizes_(all) {}                         // NOLINT
  Padding(std::initializer_list<std::int64_t> sizes) : sizes_(sizes) {}  // NOLINT

  /// What keeps the spatial sizes (for stride 1); where it is odd, the end gets one more than the beginning.
  static const Padding same;

  bool is_same() const { return same_; }
  const PerAxis& sizes() const { return sizes_; }

 private:
  struct KeepSizes {};
  constexpr explicit Padding(KeepSizes) : same_(true) {}

  PerAxis sizes_;
  bool same_ = false;
};

/// `conv2d(x, w, b, {.stride = 2, .padding = {1, 0}})`.
struct ConvolutionOptions {
  PerAxis stride = 1;
  Padding padding = 0;
  PerAxis dilation = 1;     ///< the distance between the elements that neighbouring weights see
  std::int64_t groups = 1;  ///< the channels fall into so many groups that do not see each other
};

/// dst[n, o, p...] = bias[o] + sum over c, k... of weights[o, c, k...] src[n, c, (p stride - padding + k dilation)...]
/// for src [N, C, spatial...] (or without N), weights [O, C / groups, kernel...] and bias [O] (or none):
/// [N, O, floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1...], channels-last in memory.
/// f32 and bf16 run on oneDNN, f32 windows of 3 x 3 by Winograd's algorithm where it is faster (with twice the rounding
/// error); on channels-last sources without a copy. The padding's zeros are summed up: NaN or infinity in src reaches
/// what covers it, in weights their channel; bf16's gradients spread it. Throws ShapeError, DTypeError, UsageError.
Tensor conv1d(const Tensor& src, const Tensor& weights, const Tensor& bias = {}, const ConvolutionOptions& options = {},
              Location where = Location::current());
Tensor conv2d(const Tensor& src, const Tensor& weights, const Tensor& bias = {}, const ConvolutionOptions& options = {},
              Location where = Location::current());
Tensor conv3d(const Tensor& src, const Tensor& weights, const Tensor& bias = {}, const ConvolutionOptions& options = {},
              Location where = Location::current());

/// `conv_transpose2d(x, w, b, {.stride = 2, .padding = 1, .output_padding = 1})`.
struct ConvolutionTransposeOptions {
  PerAxis stride = 1;
  PerAxis padding = 0;         ///< the padding of the convolution whose transpose this is: it cuts the result
  PerAxis output_padding = 0;  ///< so much longer than the shortest result; less than the stride or the dilation
  std::int64_t groups = 1;
  PerAxis dilation = 1;
};

/// The adjoint of a convolution in its source, with a bias: src [N, C, spatial...] (or without N), weights
/// [C, O / groups, kernel...] and bias [O] give
/// [N, O, (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1...], channels-last in memory.
Tensor conv_transpose1d(const Tensor& src, const Tensor& weights, const Tensor& bias = {},
                        const ConvolutionTransposeOptions& options = {}, Location where = Location::current());
Tensor conv_transpose2d(const Tensor& src, const Tensor& weights, const Tensor& bias = {},
                        const ConvolutionTransposeOptions& options = {}, Location where = Location::current());
Tensor conv_transpose3d(const Tensor& src, const Tensor& weights, const Tensor& bias = {},
                        const ConvolutionTransposeOptions& options = {}, Location where = Location::current());

}  // namespace dagrad
