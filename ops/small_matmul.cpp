#include "dagrad/ops/small_matmul.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/small_matmul.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::small_matmul::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sums of a tile of dst stay in registers: 12 of 32, or 8 of 16.
constexpr int kRows = HWY_MAX_BYTES >= 64 ? 6 : 4;

/// Rows `kTile` high and kVectors vectors wide of dst, of which the last vector has `last` columns.
template <int kTile, int kVectors, class D>
HWY_INLINE void tile(D d, const Problem& p, const float* a, const float* b, std::int64_t b_row, const float* bias,
                     float* dst, std::size_t last) {
  const auto lanes = hn::Lanes(d);
  const auto mask = hn::FirstN(d, last);
  const bool whole = last == lanes;
  using V = hn::Vec<D>;
  V sums[kTile][kVectors];
  const auto load = [&](const float* from, int v) HWY_ATTR {
    const float* at = from + static_cast<std::size_t>(v) * lanes;
    return v + 1 < kVectors || whole ? hn::LoadU(d, at) : hn::MaskedLoad(mask, d, at);
  };
  HWY_UNROLL(2)
  for (int v = 0; v < kVectors; ++v) {
    const V start = bias == nullptr ? hn::Zero(d) : load(bias, v);
    HWY_UNROLL(8)
    for (int i = 0; i < kTile; ++i) sums[i][v] = start;
  }
  const std::int64_t a_row = p.a.row, a_column = p.a.column;
  for (std::int64_t k = 0; k < p.inner; ++k) {
    V row[kVectors];
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) row[v] = load(b + k * b_row, v);
    const float* column = a + k * a_column;
    HWY_UNROLL(8)
    for (int i = 0; i < kTile; ++i) {
      const V factor = hn::Set(d, column[i * a_row]);
      HWY_UNROLL(2)
      for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::MulAdd(factor, row[v], sums[i][v]);
    }
  }
  HWY_UNROLL(8)
  for (int i = 0; i < kTile; ++i) {
    HWY_UNROLL(2)
    for (int v = 0; v < kVectors; ++v) {
      V sum = sums[i][v];
      if (p.relu) sum = hn::IfThenElse(hn::Le(sum, hn::Zero(d)), hn::Zero(d), sum);
      float* at = dst + i * p.columns + static_cast<std::int64_t>(static_cast<std::size_t>(v) * lanes);
      if (v + 1 < kVectors || whole)
        hn::StoreU(sum, d, at);
      else
        hn::BlendedStore(sum, mask, d, at);
    }
  }
}

template <int kVectors, class D>
HWY_INLINE void band(D d, const Problem& p, std::int64_t column, const float* b, std::int64_t b_row, std::size_t last) {
  const float* bias = p.bias == nullptr ? nullptr : p.bias + column;
  float* dst = p.dst + column;
  std::int64_t i = 0;
  for (; i + kRows <= p.rows; i += kRows)
    tile<kRows, kVectors>(d, p, p.a.data + i * p.a.row, b, b_row, bias, dst + i * p.columns, last);
  const float* a = p.a.data + i * p.a.row;
  dst += i * p.columns;
  switch (p.rows - i) {
    case 5: return tile<5, kVectors>(d, p, a, b, b_row, bias, dst, last);
    case 4: return tile<4, kVectors>(d, p, a, b, b_row, bias, dst, last);
    case 3: return tile<3, kVectors>(d, p, a, b, b_row, bias, dst, last);
    case 2: return tile<2, kVectors>(d, p, a, b, b_row, bias, dst, last);
    case 1: return tile<1, kVectors>(d, p, a, b, b_row, bias, dst, last);
    default: return;
  }
}

/// Columns [column, column + count) of b, whose rows do not lie in line, as rows of `width` floats.
HWY_INLINE void pack(const Problem& p, std::int64_t column, std::int64_t count, std::int64_t width, float* packed) {
  const float* b = p.b.data + column * p.b.column;
  std::int64_t j = 0;
#if HWY_TARGET != HWY_SCALAR
  if (p.b.row == 1) {
    const hn::FixedTag<float, 4> d;
    // Four columns at a time, which are runs of memory: transposed by squares of 4 by 4.
    for (; j + 4 <= count; j += 4) {
      const float* b0 = b + j * p.b.column;
      const float* b1 = b0 + p.b.column;
      const float* b2 = b1 + p.b.column;
      const float* b3 = b2 + p.b.column;
      float* to = packed + j;
      std::int64_t k = 0;
      for (; k + 4 <= p.inner; k += 4, to += 4 * width) {
        const hn::Repartition<double, decltype(d)> pairs;
        const auto r0 = hn::LoadU(d, b0 + k), r1 = hn::LoadU(d, b1 + k), r2 = hn::LoadU(d, b2 + k),
                   r3 = hn::LoadU(d, b3 + k);
        const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
        const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
        const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
        const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + width);
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * width);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * width);
      }
      for (; k < p.inner; ++k, to += width) {
        to[0] = b0[k];
        to[1] = b1[k];
        to[2] = b2[k];
        to[3] = b3[k];
      }
    }
  }
#endif
  for (; j < count; ++j) {
    for (std::int64_t k = 0; k < p.inner; ++k) packed[k * width + j] = b[k * p.b.row + j * p.b.column];
  }
}

void multiply(const Problem& p, float* packed) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = 0; j < p.columns; j += 2 * lanes) {
    const std::int64_t count = HWY_MIN(2 * lanes, p.columns - j);
    const float* b = p.b.data + j;
    std::int64_t b_row = p.b.row;
    if (p.b.column != 1) {
      b_row = 2 * lanes;
      pack(p, j, count, b_row, packed);
      b = packed;
    }
    if (count > lanes)
      band<2>(d, p, j, b, b_row, static_cast<std::size_t>(count - lanes));
    else
      band<1>(d, p, j, b, b_row, static_cast<std::size_t>(count));
  }
}

/// dst[j] = sum of the rows, for `count` columns. Four chains of sums, so that each is a quarter as long.
void sum_columns(const float* src, std::int64_t rows, std::int64_t stride, std::int64_t count, float* dst) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t j = 0; j < count; j += lanes) {
    const auto some = static_cast<std::size_t>(HWY_MIN(lanes, count - j));
    const auto mask = hn::FirstN(d, some);
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    const auto load = [&](std::int64_t i) HWY_ATTR { return hn::MaskedLoad(mask, d, src + i * stride + j); };
    std::int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
      s0 = hn::Add(s0, load(i));
      s1 = hn::Add(s1, load(i + 1));
      s2 = hn::Add(s2, load(i + 2));
      s3 = hn::Add(s3, load(i + 3));
    }
    for (; i < rows; ++i) s0 = hn::Add(s0, load(i));
    hn::BlendedStore(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), mask, d, dst + j);
  }
}

}  // namespace dagrad::small_matmul::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <array>

#include "dagrad/core/parallel.h"

namespace dagrad::small_matmul {
namespace {

HWY_EXPORT(multiply);
HWY_EXPORT(sum_columns);

constexpr std::int64_t kMostInner = 256;
constexpr std::int64_t kMostWork = std::int64_t{64} * 64 * 64;  // multiplications
constexpr std::int64_t kWidest = 32;                            // columns of a band: two vectors of 64 bytes
constexpr std::int64_t kGrain = 64 << 10;                       // elements of a column sum that are worth a thread

}  // namespace

bool suits(std::int64_t rows, std::int64_t inner, std::int64_t columns) {
  return inner <= kMostInner && rows <= kMostWork && columns <= kMostWork && rows * inner * columns <= kMostWork;
}

void run(const Problem& problem) {
  alignas(64) std::array<float, kMostInner * kWidest> packed;
  HWY_DYNAMIC_DISPATCH(multiply)(problem, packed.data());
}

void column_sums(const float* src, std::int64_t rows, std::int64_t columns, float* dst) {
  const std::int64_t grain = std::max<std::int64_t>(16, kGrain / std::max<std::int64_t>(rows, 1) / 16 * 16);
  parallel_for(columns, grain, [=](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(sum_columns)(src + begin, rows, columns, end - begin, dst + begin);
  });
}

}  // namespace dagrad::small_matmul
#endif
