#include "dagrad/ops/few_channels.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "dagrad/core/copy.h"
#include "dagrad/core/parallel.h"

// As for the elementwise ops: SSE2, AVX2 and AVX-512.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/few_channels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/core/float_lanes-inl.h"

#ifndef DAGRAD_OPS_FEW_CHANNELS_JOB
#define DAGRAD_OPS_FEW_CHANNELS_JOB
namespace dagrad::few_channels {

/// One or two spatial axes as rows and columns.
struct Axis {
  std::int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, before = 0;

  /// How many elements `count` windows in a row see, with those between them.
  std::int64_t reach(std::int64_t count) const { return (count - 1) * stride + (kernel - 1) * dilation + 1; }
};

struct Job {
  std::int64_t batch, channels, out_channels;
  Axis rows, columns;
  DType dtype;
  const void* src;
  std::int64_t sample_stride, channel_stride, row_stride, column_stride;  // of src
  void* dst;             // dense channels-last: the result, or its gradient
  const float* weights;  // [taps, padded(out_channels)]; null for the gradient
  const float* bias;     // [padded(out_channels)]
  float* sums;  // [blocks of samples, taps + 1, padded(out_channels)]: of the gradient; the last row the bias's

  std::int64_t taps() const { return rows.kernel * columns.kernel * channels; }
  /// Room for whole vectors of any target.
  std::int64_t padded() const { return (out_channels + 15) / 16 * 16; }

  /// A row of a band.
  std::int64_t row_elements() const { return columns.reach(columns.out) * channels; }
  /// The rows of the result that a band of the source, half the fastest cache, is enough for.
  std::int64_t rows_of_band() const {
    constexpr std::int64_t kElements = 4 << 10;
    const std::int64_t room = kElements / row_elements() - rows.reach(1);
    return std::clamp<std::int64_t>(room / rows.stride + 1, 1, rows.out);
  }
  /// Where in a band each tap is, from the window's first.
  std::vector<std::int64_t> tap_offsets() const {
    std::vector<std::int64_t> result;
    for (std::int64_t i = 0; i < rows.kernel; ++i) {
      for (std::int64_t j = 0; j < columns.kernel; ++j) {
        for (std::int64_t c = 0; c < channels; ++c)
          result.push_back(i * rows.dilation * row_elements() + j * columns.dilation * channels + c);
      }
    }
    return result;
  }

  /// Samples are added up in blocks, at most 64 of them, whatever the number of threads.
  std::int64_t samples_of_block() const { return (batch + 63) / 64; }
  std::int64_t blocks() const { return (batch + samples_of_block() - 1) / samples_of_block(); }
};

}  // namespace dagrad::few_channels
#endif

HWY_BEFORE_NAMESPACE();
namespace dagrad::few_channels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using float_lanes::HWY_NAMESPACE::load;
using float_lanes::HWY_NAMESPACE::store;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE float to_float(float x) { return x; }
HWY_INLINE float to_float(std::uint16_t x) {
  BFloat16 value;
  value.bits = x;
  return static_cast<float>(value);
}

/// What the rows `first` to `first + count - 1` of a sample's result see of the source, with zeros for the padding.
template <class T>
void fill_band(const Job& job, std::int64_t sample, std::int64_t first, std::int64_t count, float* band) {
  const Axis &rows = job.rows, &columns = job.columns;
  const std::int64_t channels = job.channels, width = job.row_elements() / channels;
  const std::int64_t begin = std::min(columns.before, width),
                     end = std::clamp(columns.in + columns.before, begin, width);
  for (std::int64_t k = 0; k < rows.reach(count); ++k, band += width * channels) {
    const std::int64_t y = first * rows.stride - rows.before + k;
    if (y < 0 || y >= rows.in) {
      std::fill_n(band, width * channels, 0.0F);
      continue;
    }
    std::fill_n(band, begin * channels, 0.0F);
    std::fill(band + end * channels, band + width * channels, 0.0F);
    const T* from = static_cast<const T*>(job.src) + sample * job.sample_stride + y * job.row_stride +
                    (begin - columns.before) * job.column_stride;
    float* into = band + begin * channels;
    if (job.channel_stride == 1 && job.column_stride == channels) {
      for (std::int64_t i = 0; i < (end - begin) * channels; ++i) into[i] = to_float(from[i]);
      continue;
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t x = 0; x < end - begin; ++x)
        into[x * channels + c] = to_float(from[c * job.channel_stride + x * job.column_stride]);
    }
  }
}

/// The first `count` elements, or a whole vector where there are as many; zeros for the others.
template <class T>
HWY_INLINE void store_some(V v, std::int64_t count, T* to) {
  if (count >= static_cast<std::int64_t>(hn::Lanes(D()))) return store(v, to);
  if constexpr (std::is_same_v<T, float>) {
    hn::BlendedStore(v, hn::FirstN(D(), static_cast<std::size_t>(count)), D(), to);
  } else {
    HWY_ALIGN T values[hn::MaxLanes(D())];
    store(v, values);
    std::copy_n(values, count, to);
  }
}
template <class T>
HWY_INLINE V load_some(const T* from, std::int64_t count) {
  if (count >= static_cast<std::int64_t>(hn::Lanes(D()))) return load(from);
  if constexpr (std::is_same_v<T, float>) {
    return hn::MaskedLoad(hn::FirstN(D(), static_cast<std::size_t>(count)), D(), from);
  } else {
    HWY_ALIGN T values[hn::MaxLanes(D())] = {};
    std::copy_n(from, count, values);
    return load(values);
  }
}

/// One row of the result for one vector of output channels: eight elements at a time share the loads of weights, and
/// are as many sums as the latency of a product asks for.
template <class T>
HWY_INLINE void forward_row(const Job& job, const std::int64_t* offsets, const float* band, std::int64_t first_channel,
                            T* dst) {
  const D d;
  const std::int64_t taps = job.taps(), step = job.columns.stride * job.channels, count = job.columns.out,
                     out_step = job.out_channels, padded = job.padded(), some = job.out_channels - first_channel;
  const float* const weights = job.weights + first_channel;
  const V start = hn::LoadU(d, job.bias + first_channel);
  std::int64_t x = 0;
  for (; x + 8 <= count; x += 8, band += 8 * step, dst += 8 * out_step) {
    V a0 = start, a1 = start, a2 = start, a3 = start, a4 = start, a5 = start, a6 = start, a7 = start;
    const float* w = weights;
    for (std::int64_t t = 0; t < taps; ++t, w += padded) {
      const V weight = hn::LoadU(d, w);
      const float* const s = band + offsets[t];
      a0 = hn::MulAdd(hn::Set(d, s[0]), weight, a0);
      a1 = hn::MulAdd(hn::Set(d, s[step]), weight, a1);
      a2 = hn::MulAdd(hn::Set(d, s[2 * step]), weight, a2);
      a3 = hn::MulAdd(hn::Set(d, s[3 * step]), weight, a3);
      a4 = hn::MulAdd(hn::Set(d, s[4 * step]), weight, a4);
      a5 = hn::MulAdd(hn::Set(d, s[5 * step]), weight, a5);
      a6 = hn::MulAdd(hn::Set(d, s[6 * step]), weight, a6);
      a7 = hn::MulAdd(hn::Set(d, s[7 * step]), weight, a7);
    }
    store_some(a0, some, dst);
    store_some(a1, some, dst + out_step);
    store_some(a2, some, dst + 2 * out_step);
    store_some(a3, some, dst + 3 * out_step);
    store_some(a4, some, dst + 4 * out_step);
    store_some(a5, some, dst + 5 * out_step);
    store_some(a6, some, dst + 6 * out_step);
    store_some(a7, some, dst + 7 * out_step);
  }
  for (; x < count; ++x, band += step, dst += out_step) {
    V sum = start;
    for (std::int64_t t = 0; t < taps; ++t)
      sum = hn::MulAdd(hn::Set(d, band[offsets[t]]), hn::LoadU(d, weights + t * padded), sum);
    store_some(sum, some, dst);
  }
}

/// The sums of nine taps, and of diff_dst, over a band for one vector of output channels.
template <class T>
HWY_INLINE void backward_taps(const Job& job, const std::int64_t* offsets, const float* band, std::int64_t rows,
                              std::int64_t first_channel, const T* diff_dst, float* sums, float* bias_sums) {
  const D d;
  const std::int64_t step = job.columns.stride * job.channels, out_step = job.out_channels, padded = job.padded(),
                     some = job.out_channels - first_channel;
  const std::int64_t o0 = offsets[0], o1 = offsets[1], o2 = offsets[2], o3 = offsets[3], o4 = offsets[4],
                     o5 = offsets[5], o6 = offsets[6], o7 = offsets[7], o8 = offsets[8];
  V a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0, a8 = a0, all = a0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* s = band + row * job.rows.stride * job.row_elements();
    for (std::int64_t x = 0; x < job.columns.out; ++x, s += step, diff_dst += out_step) {
      const V g = load_some(diff_dst, some);
      all = hn::Add(all, g);
      a0 = hn::MulAdd(hn::Set(d, s[o0]), g, a0);
      a1 = hn::MulAdd(hn::Set(d, s[o1]), g, a1);
      a2 = hn::MulAdd(hn::Set(d, s[o2]), g, a2);
      a3 = hn::MulAdd(hn::Set(d, s[o3]), g, a3);
      a4 = hn::MulAdd(hn::Set(d, s[o4]), g, a4);
      a5 = hn::MulAdd(hn::Set(d, s[o5]), g, a5);
      a6 = hn::MulAdd(hn::Set(d, s[o6]), g, a6);
      a7 = hn::MulAdd(hn::Set(d, s[o7]), g, a7);
      a8 = hn::MulAdd(hn::Set(d, s[o8]), g, a8);
    }
  }
  const auto add = [&](V v, float* to) HWY_ATTR { hn::StoreU(hn::Add(hn::LoadU(d, to), v), d, to); };
  add(a0, sums);
  add(a1, sums + padded);
  add(a2, sums + 2 * padded);
  add(a3, sums + 3 * padded);
  add(a4, sums + 4 * padded);
  add(a5, sums + 5 * padded);
  add(a6, sums + 6 * padded);
  add(a7, sums + 7 * padded);
  add(a8, sums + 8 * padded);
  if (bias_sums != nullptr) add(all, bias_sums);
}

/// Calls f(sample, first row, rows, band) for each band of some samples.
template <class T, class F>
void for_bands(const Job& job, std::int64_t begin, std::int64_t end, const F& f) {
  const std::int64_t rows = job.rows_of_band(), bands = (job.rows.out + rows - 1) / rows;
  std::vector<float> band(static_cast<std::size_t>(job.rows.reach(rows) * job.row_elements()));
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t sample = i / bands, first = i % bands * rows, count = std::min(rows, job.rows.out - first);
    fill_band<T>(job, sample, first, count, band.data());
    f(sample, first, count, band.data());
  }
}

template <class T>
void forward_typed(const Job& job, std::int64_t begin, std::int64_t end) {
  const std::vector<std::int64_t> offsets = job.tap_offsets();
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  for_bands<T>(job, begin, end, [&](std::int64_t sample, std::int64_t first, std::int64_t count, const float* band) {
    for (std::int64_t row = 0; row < count; ++row) {
      const float* const s = band + row * job.rows.stride * job.row_elements();
      T* const dst =
          static_cast<T*>(job.dst) + (sample * job.rows.out + first + row) * job.columns.out * job.out_channels;
      for (std::int64_t o = 0; o < job.out_channels; o += lanes) forward_row(job, offsets.data(), s, o, dst + o);
    }
  });
}

template <class T>
void backward_typed(const Job& job, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kTogether = 9;
  std::vector<std::int64_t> offsets = job.tap_offsets();
  const auto taps = static_cast<std::int64_t>(offsets.size()), padded = job.padded();
  // The last nine may be fewer: the others are summed up to be thrown away.
  offsets.resize(static_cast<std::size_t>((taps + kTogether - 1) / kTogether * kTogether), 0);
  std::vector<float> sums((offsets.size() + 1) * static_cast<std::size_t>(padded));
  float* const bias_sums = sums.data() + offsets.size() * static_cast<std::size_t>(padded);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t rows = job.rows_of_band(), bands = (job.rows.out + rows - 1) / rows;
  for (std::int64_t block = begin; block < end; ++block) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    const std::int64_t first = block * job.samples_of_block(),
                       last = std::min(job.batch, first + job.samples_of_block());
    for_bands<T>(job, first * bands, last * bands,
                 [&](std::int64_t sample, std::int64_t row, std::int64_t count, const float* band) {
                   const T* const diff = static_cast<const T*>(job.dst) +
                                         (sample * job.rows.out + row) * job.columns.out * job.out_channels;
                   for (std::int64_t o = 0; o < job.out_channels; o += lanes) {
                     for (std::int64_t t = 0; t < taps; t += kTogether)
                       backward_taps(job, offsets.data() + t, band, count, o, diff + o, sums.data() + t * padded + o,
                                     t == 0 ? bias_sums + o : nullptr);
                   }
                 });
    float* const of_block = job.sums + block * (taps + 1) * padded;
    std::copy_n(sums.data(), taps * padded, of_block);
    std::copy_n(bias_sums, padded, of_block + taps * padded);
  }
}

/// Bands `begin` to `end - 1` of all samples.
void forward(const Job& job, std::int64_t begin, std::int64_t end) {
  job.dtype == DType::f32 ? forward_typed<float>(job, begin, end) : forward_typed<std::uint16_t>(job, begin, end);
}
/// Blocks of samples.
void backward(const Job& job, std::int64_t begin, std::int64_t end) {
  job.dtype == DType::f32 ? backward_typed<float>(job, begin, end) : backward_typed<std::uint16_t>(job, begin, end);
}

}  // namespace dagrad::few_channels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::few_channels {
namespace {

HWY_EXPORT(forward);
HWY_EXPORT(backward);

constexpr std::int64_t kWorthForking = 1 << 19;  // products: some 10 us of one core

Job job_of(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Shape& weights, const Tensor& dst) {
  const int first = src.dim() - 1;  // the last spatial axis
  const auto axis = [&](int back) {
    const int at = first - back;
    if (at < 2) return Axis{};
    const auto k = static_cast<std::size_t>(at - 2);
    return Axis{src.shape()[at],    dst.shape()[at],      weights[at],
                geometry.stride[k], geometry.dilation[k], geometry.before[k]};
  };
  const Strides& strides = src.strides();
  Job job{};
  job.batch = src.size(0);
  job.channels = src.size(1);
  job.out_channels = weights[0];
  job.columns = axis(0);
  job.rows = axis(1);
  job.dtype = src.dtype();
  job.src = src.raw_data();
  job.sample_stride = strides[0];
  job.channel_stride = job.channels == 1 ? 1 : strides[1];
  job.row_stride = src.dim() > 3 ? strides[2] : 0;
  job.column_stride = strides[first];
  job.dst = const_cast<void*>(dst.raw_data());
  return job;
}

std::int64_t grain(const Job& job, std::int64_t parts) {
  const std::int64_t products = job.batch * job.rows.out * job.columns.out * job.taps() * job.out_channels;
  return std::max<std::int64_t>(1, kWorthForking / std::max<std::int64_t>(1, products / parts));
}

/// Calls f(tap, output channel, position in the weights [O, C, k...]) for all weights.
template <class F>
void for_weights(const Job& job, const F& f) {
  const std::int64_t volume = job.rows.kernel * job.columns.kernel;
  std::int64_t at = 0;
  for (std::int64_t o = 0; o < job.out_channels; ++o) {
    for (std::int64_t c = 0; c < job.channels; ++c) {
      for (std::int64_t k = 0; k < volume; ++k) f(k * job.channels + c, o, at++);
    }
  }
}

}  // namespace

bool takes(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights) {
  constexpr std::int64_t kMostTaps = 27;
  return geometry.axes <= 2 && geometry.groups == 1 && src.size(1) <= 4 &&
         weights.numel() / weights.size(0) <= kMostTaps;
}

void convolution(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& weights,
                 const Tensor& bias, Tensor& dst) {
  Job job = job_of(geometry, src, weights.shape(), dst);
  const std::int64_t padded = job.padded(), taps = job.taps();
  std::vector<float> packed(static_cast<std::size_t>((taps + 1) * padded));
  visit_dtype(weights.dtype(), [&]<class T>(T) {
    const Tensor plain = contiguous_data(weights), plain_bias = bias.defined() ? contiguous_data(bias) : bias;
    const T* const from = plain.data<T>();
    for_weights(job, [&](std::int64_t tap, std::int64_t o, std::int64_t at) {
      packed[static_cast<std::size_t>(tap * padded + o)] = static_cast<float>(from[at]);
    });
    for (std::int64_t o = 0; plain_bias.defined() && o < job.out_channels; ++o)
      packed[static_cast<std::size_t>(taps * padded + o)] = static_cast<float>(plain_bias.data<T>()[o]);
  });
  job.weights = packed.data();
  job.bias = packed.data() + taps * padded;
  const std::int64_t bands = (job.rows.out + job.rows_of_band() - 1) / job.rows_of_band() * job.batch;
  parallel_for(bands, grain(job, bands), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(forward)(job, begin, end);
  });
}

void backward_weights(const onednn::ConvolutionGeometry& geometry, const Tensor& src, const Tensor& diff_dst,
                      Tensor& diff_weights, Tensor& diff_bias) {
  Job job = job_of(geometry, src, diff_weights.shape(), diff_dst);
  const std::int64_t padded = job.padded(), taps = job.taps(), blocks = job.blocks(), size = (taps + 1) * padded;
  std::vector<float> sums(static_cast<std::size_t>(blocks * size));
  job.sums = sums.data();
  parallel_for(blocks, grain(job, blocks), [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(backward)(job, begin, end);
  });
  for (std::int64_t block = 1; block < blocks; ++block) {
    for (std::int64_t i = 0; i < size; ++i) job.sums[i] += job.sums[block * size + i];
  }
  visit_dtype(diff_weights.dtype(), [&]<class T>(T) {
    T* const to = diff_weights.mutable_data<T>();
    for_weights(job, [&](std::int64_t tap, std::int64_t o, std::int64_t at) {
      to[at] = convert_to<T>(job.sums[tap * padded + o]);
    });
    T* const to_bias = diff_bias.mutable_data<T>();
    for (std::int64_t o = 0; o < job.out_channels; ++o) to_bias[o] = convert_to<T>(job.sums[taps * padded + o]);
  });
}

}  // namespace dagrad::few_channels
#endif
