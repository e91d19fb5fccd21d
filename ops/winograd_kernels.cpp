#include "dagrad/ops/winograd_kernels.h"

#include <algorithm>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/winograd_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::winograd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// See Note [Minimal filtering].
constexpr float kA = 0.707106781f, kB = 1.414213562f, kA2 = 0.5f, kB2 = 2, kA3 = kA / 2, kB3 = 2 * kB;
// The denominators of G: a^2 b^2 = 1, 2 a^2 (a^2 - b^2) = -3/2, 2 b^2 (b^2 - a^2) = 6.
constexpr float kGA = -2 / 3.0f, kGB = 1 / 6.0f;

// At most 16 lanes, so that they divide the numbers of channels.
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

HWY_INLINE V constant(float value) { return hn::Set(D(), value); }
/// value x + y, and value x - y.
HWY_INLINE V add_times(float value, V x, V y) { return hn::MulAdd(constant(value), x, y); }
HWY_INLINE V times(float value, V x) { return hn::Mul(constant(value), x); }

// The one-dimensional transforms, from and to every stride-th element.

template <std::int64_t kFrom, std::int64_t kTo>
HWY_INLINE void window_to_planes(const V* x, V* to) {  // B'
  const V x1 = x[kFrom], x2 = x[2 * kFrom], x3 = x[3 * kFrom], x4 = x[4 * kFrom];
  const V even_a = add_times(-kB2, x2, x4), odd_a = times(kA, add_times(-kB2, x1, x3));
  const V even_b = add_times(-kA2, x2, x4), odd_b = times(kB, add_times(-kA2, x1, x3));
  to[0] = hn::Add(x[0], add_times(-(kA2 + kB2), x2, x4));
  to[kTo] = hn::Add(even_a, odd_a);
  to[2 * kTo] = hn::Sub(even_a, odd_a);
  to[3 * kTo] = hn::Add(even_b, odd_b);
  to[4 * kTo] = hn::Sub(even_b, odd_b);
  to[5 * kTo] = hn::Add(x1, add_times(-(kA2 + kB2), x3, x[5 * kFrom]));
}

template <std::int64_t kFrom, std::int64_t kTo>
HWY_INLINE void planes_to_tile(const V* m, V* to) {  // A'
  const V sum_a = hn::Add(m[kFrom], m[2 * kFrom]), difference_a = hn::Sub(m[kFrom], m[2 * kFrom]);
  const V sum_b = hn::Add(m[3 * kFrom], m[4 * kFrom]), difference_b = hn::Sub(m[3 * kFrom], m[4 * kFrom]);
  to[0] = hn::Add(hn::Add(m[0], sum_a), sum_b);
  to[kTo] = add_times(kB, difference_b, times(kA, difference_a));
  to[2 * kTo] = add_times(kB2, sum_b, times(kA2, sum_a));
  to[3 * kTo] = add_times(kB3, difference_b, add_times(kA3, difference_a, m[5 * kFrom]));
}

template <std::int64_t kFrom, std::int64_t kTo>
HWY_INLINE void tile_to_planes(const V* y, V* to) {  // A
  const V y0 = y[0], y1 = y[kFrom], y2 = y[2 * kFrom], y3 = y[3 * kFrom];
  const V even_a = add_times(kA2, y2, y0), odd_a = add_times(kA3, y3, times(kA, y1));
  const V even_b = add_times(kB2, y2, y0), odd_b = add_times(kB3, y3, times(kB, y1));
  to[0] = y0;
  to[kTo] = hn::Add(even_a, odd_a);
  to[2 * kTo] = hn::Sub(even_a, odd_a);
  to[3 * kTo] = hn::Add(even_b, odd_b);
  to[4 * kTo] = hn::Sub(even_b, odd_b);
  to[5 * kTo] = y3;
}

template <std::int64_t kFrom, std::int64_t kTo>
HWY_INLINE void taps_to_planes(const V* g, V* to) {  // G
  const V g0 = g[0], g1 = g[kFrom], g2 = g[2 * kFrom];
  const V even_a = times(kGA, add_times(kA2, g2, g0)), odd_a = times(kGA * kA, g1);
  const V even_b = times(kGB, add_times(kB2, g2, g0)), odd_b = times(kGB * kB, g1);
  to[0] = g0;
  to[kTo] = hn::Add(even_a, odd_a);
  to[2 * kTo] = hn::Sub(even_a, odd_a);
  to[3 * kTo] = hn::Add(even_b, odd_b);
  to[4 * kTo] = hn::Sub(even_b, odd_b);
  to[5 * kTo] = g2;
}

template <std::int64_t kFrom, std::int64_t kTo>
HWY_INLINE void planes_to_taps(const V* m, V* to) {  // G'
  const V sum_a = times(kGA, hn::Add(m[kFrom], m[2 * kFrom])), sum_b = times(kGB, hn::Add(m[3 * kFrom], m[4 * kFrom]));
  const V difference_a = hn::Sub(m[kFrom], m[2 * kFrom]), difference_b = hn::Sub(m[3 * kFrom], m[4 * kFrom]);
  to[0] = hn::Add(m[0], hn::Add(sum_a, sum_b));
  to[kTo] = add_times(kGB * kB, difference_b, times(kGA * kA, difference_a));
  to[2 * kTo] = add_times(kB2, sum_b, add_times(kA2, sum_a, m[5 * kFrom]));
}

/// kSide x kSide pixels of a channels-last image, from (row, column) on; those outside are zeros. Calls f with a
/// function that loads those at (i, j), from a channel on.
template <std::int64_t kSide, class F>
HWY_INLINE void with_pixels(const float* image, std::int64_t rows, std::int64_t columns, std::int64_t channels,
                            std::int64_t row, std::int64_t column, const F& f) {
  const std::int64_t line = columns * channels;
  const float* const first = image + row * line + column * channels;
  if (row >= 0 && column >= 0 && row + kSide <= rows && column + kSide <= columns) {
    return f([=](std::int64_t i, std::int64_t j, std::int64_t channel)
                 HWY_ATTR { return hn::LoadU(D(), first + i * line + j * channels + channel); });
  }
  f([=](std::int64_t i, std::int64_t j, std::int64_t channel) HWY_ATTR {
    const bool inside = row + i >= 0 && row + i < rows && column + j >= 0 && column + j < columns;
    return inside ? hn::LoadU(D(), first + i * line + j * channels + channel) : hn::Zero(D());
  });
}

/// Calls f(number within the range, sample, first row, first column) for each tile, the last two of dst.
template <class F>
HWY_INLINE void for_each_tile(const Tiles& tiles, Range range, const F& f) {
  const std::int64_t across = tiles.across(), down = tiles.down();
  for (std::int64_t tile = range.begin; tile < range.end; ++tile) {
    const std::int64_t line = tile / across;
    f(tile - range.begin, line / down, line % down * kTile, tile % across * kTile);
  }
}

void planes_of_src(const Tiles& tiles, Range range, const float* src, std::int64_t channels, float* planes) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t plane = plane_size(range.count(), channels);
  for_each_tile(tiles, range, [&](std::int64_t t, std::int64_t sample, std::int64_t row, std::int64_t column) HWY_ATTR {
    const float* const image = src + sample * tiles.src_rows * tiles.src_columns * channels;
    with_pixels<kWindow>(image, tiles.src_rows, tiles.src_columns, channels, row - tiles.row_padding,
                         column - tiles.column_padding, [&](const auto& pixel) HWY_ATTR {
                           for (std::int64_t c = 0; c < channels; c += lanes) {
                             V half[kPlanes], column_of[kWindow], line[kWindow];
                             for (std::int64_t j = 0; j < kWindow; ++j) {
                               for (std::int64_t i = 0; i < kWindow; ++i) column_of[i] = pixel(i, j, c);
                               window_to_planes<1, kWindow>(column_of, half + j);
                             }
                             float* to = planes + t * channels + c;
                             for (std::int64_t i = 0; i < kWindow; ++i) {
                               window_to_planes<1, 1>(half + i * kWindow, line);
                               for (std::int64_t j = 0; j < kWindow; ++j, to += plane) hn::StoreU(line[j], D(), to);
                             }
                           }
                         });
  });
}

bool dst_of_planes(const Tiles& tiles, Range range, const float* planes, std::int64_t channels, const float* bias,
                   float* dst) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t plane = plane_size(range.count(), channels);
  V flaws = hn::Zero(D());  // 0 times each result: NaN when one is not finite
  for_each_tile(tiles, range, [&](std::int64_t t, std::int64_t sample, std::int64_t row, std::int64_t column) HWY_ATTR {
    const std::int64_t rows = std::min(kTile, tiles.rows - row), columns = std::min(kTile, tiles.columns - column);
    float* const corner = dst + ((sample * tiles.rows + row) * tiles.columns + column) * channels;
    for (std::int64_t c = 0; c < channels; c += lanes) {
      const V offset = bias == nullptr ? hn::Zero(D()) : hn::LoadU(D(), bias + c);
      V half[kTile * kWindow], column_of[kWindow], line[kTile];
      const float* const from = planes + t * channels + c;
      for (std::int64_t j = 0; j < kWindow; ++j) {
        for (std::int64_t i = 0; i < kWindow; ++i) column_of[i] = hn::LoadU(D(), from + (i * kWindow + j) * plane);
        planes_to_tile<1, kWindow>(column_of, half + j);
      }
      for (std::int64_t i = 0; i < rows; ++i) {
        planes_to_tile<1, 1>(half + i * kWindow, line);
        float* const to = corner + i * tiles.columns * channels + c;
        for (std::int64_t j = 0; j < columns; ++j) {
          const V result = hn::Add(line[j], offset);
          flaws = hn::MulAdd(result, hn::Zero(D()), flaws);
          hn::StoreU(result, D(), to + j * channels);
        }
      }
    }
  });
  return hn::AllTrue(D(), hn::Eq(flaws, flaws));
}

void planes_of_diff_dst(const Tiles& tiles, Range range, const float* diff_dst, std::int64_t channels, float* planes,
                        float* sums) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t plane = plane_size(range.count(), channels);
  for_each_tile(tiles, range, [&](std::int64_t t, std::int64_t sample, std::int64_t row, std::int64_t column) HWY_ATTR {
    const float* const image = diff_dst + sample * tiles.rows * tiles.columns * channels;
    with_pixels<kTile>(image, tiles.rows, tiles.columns, channels, row, column, [&](const auto& pixel) HWY_ATTR {
      for (std::int64_t c = 0; c < channels; c += lanes) {
        V half[kWindow * kTile], column_of[kTile], line[kWindow], sum = hn::LoadU(D(), sums + c);
        for (std::int64_t j = 0; j < kTile; ++j) {
          for (std::int64_t i = 0; i < kTile; ++i) column_of[i] = pixel(i, j, c);
          sum = hn::Add(sum, hn::Add(hn::Add(column_of[0], column_of[1]), hn::Add(column_of[2], column_of[3])));
          tile_to_planes<1, kTile>(column_of, half + j);
        }
        hn::StoreU(sum, D(), sums + c);
        float* to = planes + t * channels + c;
        for (std::int64_t i = 0; i < kWindow; ++i) {
          tile_to_planes<1, 1>(half + i * kTile, line);
          for (std::int64_t j = 0; j < kWindow; ++j, to += plane) hn::StoreU(line[j], D(), to);
        }
      }
    });
  });
}

void planes_of_weights(const WeightsLayout& layout, Range inner, const float* weights, float* planes) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t plane = plane_size(layout.inner, layout.columns);
  alignas(64) float taps[kTaps][16];
  for (std::int64_t i = inner.begin; i < inner.end; ++i) {
    for (std::int64_t j = 0; j < layout.columns; j += lanes) {
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        const float* from = weights + i * layout.inner_stride + (j + lane) * layout.column_stride;
        for (int k = 0; k < kTaps; ++k) taps[layout.flipped ? kTaps - 1 - k : k][lane] = from[k];
      }
      V half[kWindow * 3], column_of[3], line[kWindow];
      for (std::int64_t k = 0; k < 3; ++k) {
        for (std::int64_t l = 0; l < 3; ++l) column_of[l] = hn::Load(D(), taps[l * 3 + k]);
        taps_to_planes<1, 3>(column_of, half + k);
      }
      float* to = planes + i * layout.columns + j;
      for (std::int64_t k = 0; k < kWindow; ++k) {
        taps_to_planes<1, 1>(half + k * 3, line);
        for (std::int64_t l = 0; l < kWindow; ++l, to += plane) hn::StoreU(line[l], D(), to);
      }
    }
  }
}

bool weights_of_planes(const WeightsLayout& layout, Range inner, const float* planes, float* weights) {
  V flaws = hn::Zero(D());  // as above
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t plane = plane_size(layout.inner, layout.columns);
  alignas(64) float taps[kTaps][16];
  for (std::int64_t i = inner.begin; i < inner.end; ++i) {
    for (std::int64_t j = 0; j < layout.columns; j += lanes) {
      const float* const from = planes + i * layout.columns + j;
      V half[3 * kWindow], column_of[kWindow], line[3];
      for (std::int64_t k = 0; k < kWindow; ++k) {
        for (std::int64_t l = 0; l < kWindow; ++l) column_of[l] = hn::LoadU(D(), from + (l * kWindow + k) * plane);
        planes_to_taps<1, kWindow>(column_of, half + k);
      }
      for (std::int64_t k = 0; k < 3; ++k) {
        planes_to_taps<1, 1>(half + k * kWindow, line);
        for (std::int64_t l = 0; l < 3; ++l) {
          flaws = hn::MulAdd(line[l], hn::Zero(D()), flaws);
          hn::Store(line[l], D(), taps[k * 3 + l]);
        }
      }
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        float* to = weights + i * layout.inner_stride + (j + lane) * layout.column_stride;
        for (int k = 0; k < kTaps; ++k) to[k] = taps[layout.flipped ? kTaps - 1 - k : k][lane];
      }
    }
  }
  return hn::AllTrue(D(), hn::Eq(flaws, flaws));
}

// Sums of a tile of dst stay in registers: 24 of 32, or 12 of 16.
constexpr int kRows = HWY_MAX_BYTES >= 64 ? 12 : 6;

template <int kHeight, int kVectors>
HWY_INLINE void block(const Product& p, const float* a, const float* b, float* dst) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V sums[kHeight][kVectors];
  HWY_UNROLL(12)
  for (int i = 0; i < kHeight; ++i) {
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) sums[i][v] = p.add ? hn::LoadU(d, dst + i * p.columns + v * lanes) : hn::Zero(d);
  }
  for (std::int64_t k = 0; k < p.inner; ++k, b += p.columns, a += p.a_column) {
    V row[kVectors];
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) row[v] = hn::LoadU(d, b + v * lanes);
    HWY_UNROLL(12)
    for (int i = 0; i < kHeight; ++i) {
      const V factor = hn::Set(d, a[i * p.a_row]);
      HWY_UNROLL(2)
      for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::MulAdd(factor, row[v], sums[i][v]);
    }
  }
  HWY_UNROLL(12)
  for (int i = 0; i < kHeight; ++i) {
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sums[i][v], d, dst + i * p.columns + v * lanes);
  }
}

template <int kVectors>
HWY_INLINE void band(const Product& p, const float* a, const float* b, float* dst) {
  std::int64_t i = 0;
  for (; i + kRows <= p.rows; i += kRows) block<kRows, kVectors>(p, a + i * p.a_row, b, dst + i * p.columns);
  for (; i + 4 <= p.rows; i += 4) block<4, kVectors>(p, a + i * p.a_row, b, dst + i * p.columns);
  for (; i < p.rows; ++i) block<1, kVectors>(p, a + i * p.a_row, b, dst + i * p.columns);
}

void multiply(const Product& p, const float* a, const float* b, float* dst) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t j = 0;
  for (; j + 2 * lanes <= p.columns; j += 2 * lanes) band<2>(p, a, b + j, dst + j);
  if (j < p.columns) band<1>(p, a, b + j, dst + j);
}

}  // namespace dagrad::winograd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::winograd {
namespace {

HWY_EXPORT(planes_of_src);
HWY_EXPORT(dst_of_planes);
HWY_EXPORT(planes_of_diff_dst);
HWY_EXPORT(planes_of_weights);
HWY_EXPORT(weights_of_planes);
HWY_EXPORT(multiply);

}  // namespace

void planes_of_src(const Tiles& tiles, Range range, const float* src, std::int64_t channels, float* planes) {
  HWY_DYNAMIC_DISPATCH(planes_of_src)(tiles, range, src, channels, planes);
}
bool dst_of_planes(const Tiles& tiles, Range range, const float* planes, std::int64_t channels, const float* bias,
                   float* dst) {
  return HWY_DYNAMIC_DISPATCH(dst_of_planes)(tiles, range, planes, channels, bias, dst);
}
void planes_of_diff_dst(const Tiles& tiles, Range range, const float* diff_dst, std::int64_t channels, float* planes,
                        float* sums) {
  HWY_DYNAMIC_DISPATCH(planes_of_diff_dst)(tiles, range, diff_dst, channels, planes, sums);
}
void planes_of_weights(const WeightsLayout& layout, Range inner, const float* weights, float* planes) {
  HWY_DYNAMIC_DISPATCH(planes_of_weights)(layout, inner, weights, planes);
}
bool weights_of_planes(const WeightsLayout& layout, Range inner, const float* planes, float* weights) {
  return HWY_DYNAMIC_DISPATCH(weights_of_planes)(layout, inner, planes, weights);
}
void multiply(const Product& product, const float* a, const float* b, float* dst) {
  HWY_DYNAMIC_DISPATCH(multiply)(product, a, b, dst);
}

}  // namespace dagrad::winograd
#endif
