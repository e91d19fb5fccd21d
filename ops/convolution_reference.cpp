#include "dagrad/ops/convolution_reference.h"

#include <algorithm>

#include "dagrad/core/copy.h"

namespace dagrad::reference {
namespace {

using onednn::ConvolutionGeometry;

/// Sizes and positions of a convolution, its spatial axes filled up to three with ones.
struct Loops {
  std::int64_t batch, groups, in_channels, out_channels;  // channels of one group
  std::array<std::int64_t, 3> in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1};
  ConvolutionGeometry geometry;

  Loops(const ConvolutionGeometry& g, const Shape& src, const Shape& weights, const Shape& dst)
      : batch(src[0]), groups(g.groups), in_channels(weights[1]), out_channels(weights[0] / g.groups), geometry(g) {
    for (int axis = 0; axis < g.axes; ++axis) {
      const auto k = static_cast<std::size_t>(axis);
      in[k] = src[axis + 2];
      out[k] = dst[axis + 2];
      kernel[k] = weights[axis + 2];
    }
  }

  static std::int64_t volume(const std::array<std::int64_t, 3>& sizes) { return sizes[0] * sizes[1] * sizes[2]; }

  /// Where weight `k` of the window at `p` reads along `axis`, or -1 in the padding.
  std::int64_t source(std::size_t axis, std::int64_t p, std::int64_t k) const {
    const std::int64_t at = p * geometry.stride[axis] + k * geometry.dilation[axis] - geometry.before[axis];
    return at < in[axis] ? at : -1;
  }

  /// Calls `tap(src, weights, dst)` for each pair of a window and one of its weights inside the source: the offsets of
  /// the group's channels in [N, spatial..., C], [kernel..., O, C / groups] and [N, spatial..., O].
  template <class Tap>
  void for_each_tap(const Tap& tap) const {
    const std::int64_t in_volume = volume(in), out_volume = volume(out);
    for (std::int64_t n = 0; n < batch; ++n) {
      for (std::int64_t p = 0; p < out_volume; ++p) {
        const std::int64_t x = p % out[2], y = p / out[2] % out[1], z = p / (out[2] * out[1]);
        for (std::int64_t k = 0; k < volume(kernel); ++k) {
          const std::int64_t sx = source(2, x, k % kernel[2]), sy = source(1, y, k / kernel[2] % kernel[1]),
                             sz = source(0, z, k / (kernel[2] * kernel[1]));
          if (sx < 0 || sy < 0 || sz < 0) continue;
          const std::int64_t s = (sz * in[1] + sy) * in[2] + sx;
          for (std::int64_t g = 0; g < groups; ++g) {
            tap(((n * in_volume + s) * groups + g) * in_channels, (k * groups + g) * out_channels * in_channels,
                ((n * out_volume + p) * groups + g) * out_channels);
          }
        }
      }
    }
  }
};

/// [O, C, kernel...] as the view [kernel..., O, C].
Tensor taps_first(const Tensor& weights) {
  Shape shape;
  Strides strides;
  for (int i = 0; i < weights.dim(); ++i) {
    const int axis = (i + 2) % weights.dim();
    shape.push_back(weights.shape()[axis]);
    strides.push_back(weights.strides()[axis]);
  }
  return weights.alias(shape, strides, weights.offset());
}

}  // namespace

void convolution(const ConvolutionGeometry& geometry, const Tensor& src_in, const Tensor& weights_in,
                 const Tensor& bias, Tensor& dst) {
  const Loops loops(geometry, src_in.shape(), weights_in.shape(), dst.shape());
  const Tensor src = channels_last_data(src_in), weights = contiguous_data(taps_first(weights_in));
  const double* a = src.data<double>();
  const double* b = weights.data<double>();
  double* c = dst.mutable_data<double>();
  const std::int64_t channels = dst.size(1);
  if (bias.defined()) {
    const Tensor row = contiguous_data(bias);
    for (std::int64_t i = 0; i < dst.numel(); i += channels) std::copy_n(row.data<double>(), channels, c + i);
  } else {
    std::fill_n(c, dst.numel(), 0.0);
  }
  loops.for_each_tap([&](std::int64_t at_src, std::int64_t at_weights, std::int64_t at_dst) {
    for (std::int64_t o = 0; o < loops.out_channels; ++o) {
      double sum = 0;
      for (std::int64_t i = 0; i < loops.in_channels; ++i)
        sum += b[at_weights + o * loops.in_channels + i] * a[at_src + i];
      c[at_dst + o] += sum;
    }
  });
}

void convolution_backward_data(const ConvolutionGeometry& geometry, const Tensor& diff_dst_in, const Tensor& weights_in,
                               Tensor& diff_src) {
  const Loops loops(geometry, diff_src.shape(), weights_in.shape(), diff_dst_in.shape());
  const Tensor diff_dst = channels_last_data(diff_dst_in), weights = contiguous_data(taps_first(weights_in));
  const double* b = weights.data<double>();
  const double* c = diff_dst.data<double>();
  diff_src.zero_();
  double* a = diff_src.mutable_data<double>();
  loops.for_each_tap([&](std::int64_t at_src, std::int64_t at_weights, std::int64_t at_dst) {
    for (std::int64_t o = 0; o < loops.out_channels; ++o) {
      for (std::int64_t i = 0; i < loops.in_channels; ++i)
        a[at_src + i] += b[at_weights + o * loops.in_channels + i] * c[at_dst + o];
    }
  });
}

void convolution_backward_weights(const ConvolutionGeometry& geometry, const Tensor& src_in, const Tensor& diff_dst_in,
                                  Tensor& diff_weights, Tensor& diff_bias) {
  const Loops loops(geometry, src_in.shape(), diff_weights.shape(), diff_dst_in.shape());
  const Tensor src = channels_last_data(src_in), diff_dst = channels_last_data(diff_dst_in);
  const double* a = src.data<double>();
  const double* c = diff_dst.data<double>();
  Tensor transposed = Tensor::allocate({taps_first(diff_weights).shape(), f64});
  transposed.zero_();
  double* b = transposed.mutable_data<double>();
  loops.for_each_tap([&](std::int64_t at_src, std::int64_t at_weights, std::int64_t at_dst) {
    for (std::int64_t o = 0; o < loops.out_channels; ++o) {
      for (std::int64_t i = 0; i < loops.in_channels; ++i)
        b[at_weights + o * loops.in_channels + i] += a[at_src + i] * c[at_dst + o];
    }
  });
  Tensor view = taps_first(diff_weights);
  copy_elements(transposed, view);
  diff_bias.zero_();
  double* sums = diff_bias.mutable_data<double>();
  const std::int64_t channels = diff_bias.numel();
  for (std::int64_t i = 0; i < diff_dst.numel(); ++i) sums[i % channels] += c[i];
}

}  // namespace dagrad::reference
