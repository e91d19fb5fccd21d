#include "dagrad/ops/average_planes.h"

#include <algorithm>
#include <vector>

#include "dagrad/core/parallel.h"
#include "dagrad/ops/fold_kernels.h"

namespace dagrad::pooling {
namespace {

constexpr std::int64_t kLeastWindow = 16;  // elements under a window, below which channels-last is as fast
constexpr std::int64_t kGrain = 64 << 10;  // elements that are worth a thread

/// The same windows with the axes that are not there in front, so that the last one is in line in memory.
Windows with_axes_last(Windows w) {
  for (int k = 0; k < 2 && w.in[2] == 1 && w.kernel[2] == 1 && w.out[2] == 1; ++k) {
    for (Windows::Sizes* sizes : {&w.in, &w.out, &w.kernel, &w.stride, &w.dilation, &w.before})
      std::rotate(sizes->begin(), sizes->begin() + 2, sizes->end());
  }
  return w;
}

/// The positions along an axis that a window sees: from `first` in steps of the dilation.
struct Seen {
  std::int64_t first, count;

  Seen(const Windows& w, std::size_t axis, std::int64_t p) {
    const std::int64_t begin = w.begin(axis, p), step = w.dilation[axis];
    const std::int64_t hidden = begin < 0 ? (step - 1 - begin) / step : 0;  // in the padding in front
    first = begin + hidden * step;
    const std::int64_t room = w.in[axis] - first;
    count = std::clamp<std::int64_t>(room <= 0 ? 0 : (room + step - 1) / step, 0,
                                     std::max<std::int64_t>(w.length(axis, p) - hidden, 0));
  }
};

template <class T>
void add_row(T* into, const T* from, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) into[i] += from[i];
}

/// The averages of one plane (or line, or volume), `step` apart in dst. The rows that a row of windows sees are added
/// up first, element by element, and then each window's part of that one row.
template <class T>
void average_plane(const Windows& w, const double* weights, const std::vector<Seen>& along_x, const T* plane, T* row,
                   T* dst, std::int64_t step) {
  const std::int64_t width = w.in[2];
  std::int64_t p = 0;
  for (std::int64_t z = 0; z < w.out[0]; ++z) {
    for (std::int64_t y = 0; y < w.out[1]; ++y) {
      std::fill_n(row, width, T(0));
      const Seen of_z(w, 0, z), of_y(w, 1, y);
      for (std::int64_t k = 0; k < of_z.count; ++k) {
        for (std::int64_t j = 0; j < of_y.count; ++j) {
          const std::int64_t line = (of_z.first + k * w.dilation[0]) * w.in[1] + of_y.first + j * w.dilation[1];
          add_row(row, plane + line * width, width);
        }
      }
      for (const Seen& of_x : along_x) {
        T sum = 0;
        for (std::int64_t i = 0; i < of_x.count; ++i) sum += row[of_x.first + i * w.dilation[2]];
        dst[p * step] = static_cast<T>(weights[p] * static_cast<double>(sum));
        ++p;
      }
    }
  }
}

template <class T>
void average(const Windows& w, const double* weights, const Tensor& src, Tensor& dst) {
  const std::int64_t channels = src.size(1), volume = w.in_volume(), out_volume = w.out_volume();
  const bool whole = out_volume == 1 && w.kernel_volume() == volume && w.partition();
  const T* from = src.data<T>();
  T* to = dst.mutable_data<T>();
  std::vector<Seen> along_x;
  for (std::int64_t x = 0; x < w.out[2]; ++x) along_x.emplace_back(w, 2, x);
  parallel_for(src.size(0) * channels, std::max<std::int64_t>(1, kGrain / volume),
               [&](std::int64_t begin, std::int64_t end) {
                 std::vector<T> row(static_cast<std::size_t>(w.in[2]));
                 for (std::int64_t i = begin; i < end; ++i) {
                   T* const first = to + i / channels * channels * out_volume + i % channels;
                   const T* const plane = from + i * volume;
                   if (whole)
                     *first = static_cast<T>(weights[0] * static_cast<double>(fold::sum_of_row(plane, volume)));
                   else
                     average_plane(w, weights, along_x, plane, row.data(), first, channels);
                 }
               });
}

}  // namespace

bool average_planes(const Windows& windows, const double* weights, const Tensor& src, Tensor& dst) {
  if (windows.kernel_volume() < kLeastWindow || !src.is_contiguous() || src.is_channels_last()) return false;
  switch (src.dtype()) {
    case DType::f32: average<float>(with_axes_last(windows), weights, src, dst); return true;
    case DType::f64: average<double>(with_axes_last(windows), weights, src, dst); return true;
    default: return false;
  }
}

}  // namespace dagrad::pooling
