// Kernels of the normalizations by channel: statistics of each channel, and what is done with them. Internal.
//
// x, g and y are as in norm_lines.h, of type T or, where T is float, of BFloat16; all arguments of one length per
// channel are [channels].
#pragma once

#include <cstdint>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// How [N, C, positions] lie in memory: `last` as the matrix [N positions, C], else as N C lines.
struct Channels {
  std::int64_t samples, channels, positions;
  bool last;

  /// Those of a dense tensor [N, C, spatial...].
  static Channels of(const Tensor& t);
  /// One sample of them.
  Channels sample() const { return {1, channels, positions, last}; }
  std::int64_t count() const { return samples * positions; }  ///< of the values of one channel
  std::int64_t numel() const { return samples * channels * positions; }
};

/// The means, and the sums of the squared distances from them; count() > 0.
template <class X, class T>
void channel_moments(const Channels& size, const X* x, T* mean, T* squares);

/// sum(g), and sum(g (x - mean)); they lie one after the other in `sums`, [2, channels].
template <class X, class T>
void channel_sums(const Channels& size, const X* g, const X* x, const X* y, const T* mean, T* sums);

/// dst = (x - mean) scale + shift, or with `relu` what of it is above 0.
template <class X, class T>
void normalize_channels(const Channels& size, const X* x, const T* mean, const T* scale, const T* shift, bool relu,
                        X* dst);

/// What each channel's gradient is made of: scale g - shift - (x - mean) slope; without slopes (null) scale g.
template <class T>
struct ChannelGradient {
  const T* mean;
  const T* scale;
  const T* shift;
  const T* slope;
};

template <class X, class T>
void channel_gradient(const Channels& size, const X* g, const X* x, const X* y, const ChannelGradient<T>& by, X* dst);

}  // namespace dagrad
