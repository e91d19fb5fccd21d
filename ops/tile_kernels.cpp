#include "dagrad/ops/tile_kernels.h"

#ifdef __x86_64__
#include <array>
#include <cpuid.h>
#include <cstring>
#include <hwy/base.h>
#include <immintrin.h>
#include <type_traits>

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 calls the undefined operands in its own intrinsics uninitialized (gcc.gnu.org/PR105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

HWY_PUSH_ATTRIBUTES("avx,avx2,fma,avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,prfchw")
namespace dagrad::tile_kernels {
namespace {

constexpr std::int64_t kLanes = 16;

template <class T>
__m512 multiply_add(__m512 sum, __m512 a, __m512 b) {
  if constexpr (std::is_same_v<T, float>)
    return _mm512_fmadd_ps(a, b, sum);
  else
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

void store(__m512 v, float* to) { _mm512_storeu_ps(to, v); }
void store(__m512 v, BFloat16* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}
void store(__m512 v, __mmask16 mask, float* to) { _mm512_mask_storeu_ps(to, mask, v); }
void store(__m512 v, __mmask16 mask, BFloat16* to) {
  _mm256_mask_storeu_epi16(to, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}

std::int64_t tile_rows(std::int64_t left) {
  if (left >= 6) return left % 6 != 0 && left >= 7 ? 7 : 6;
  return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

const float* words(const std::byte* at) { return reinterpret_cast<const float*>(at); }

/// The words of 32 columns of two rows.
HWY_INLINE void store_pairs(const std::byte* first_row, const std::byte* second_row, std::byte* to) {
  alignas(64) static constexpr std::array<std::uint16_t, 64> kOrder = [] {
    std::array<std::uint16_t, 64> order{};
    for (std::uint16_t j = 0; j < 32; ++j) {
      order[2 * std::size_t{j}] = j;
      order[2 * std::size_t{j} + 1] = static_cast<std::uint16_t>(j + 32);
    }
    return order;
  }();
  const __m512i a = _mm512_loadu_si512(first_row), b = _mm512_loadu_si512(second_row);
  _mm512_storeu_si512(to, _mm512_permutex2var_epi16(a, _mm512_load_si512(kOrder.data()), b));
  _mm512_storeu_si512(to + 64, _mm512_permutex2var_epi16(a, _mm512_load_si512(kOrder.data() + 32), b));
}

/// Of the next strip one line of 64 bytes for each word: part `part` of kParts.
template <class T>
struct Gatherer {
  static constexpr int kParts = static_cast<int>(sizeof(T));
  static constexpr bool kPaired = sizeof(T) == 2;
  static constexpr std::int64_t kAhead = 64;  // words: memory is slow at strides that are no run
  const std::byte* src;
  std::ptrdiff_t row, step;
  std::byte* to;

  Gatherer(const Next& next, int part)
      : src(next.src + std::ptrdiff_t{64} * part),
        row(next.row),
        step(kPaired ? 2 * next.row : next.row),
        to(next.to + std::ptrdiff_t{kPaired ? 128 : 64} * part) {}

  HWY_INLINE void word() {
    __builtin_prefetch(src + kAhead * step, 0, 2);
    if constexpr (kPaired) {
      __builtin_prefetch(src + kAhead * step + row, 0, 2);
      store_pairs(src, src + row, to);
    } else {
      _mm512_storeu_ps(reinterpret_cast<float*>(to), _mm512_loadu_ps(words(src)));
    }
    src += step;
    to += kWidth * 4;
  }
};

/// The same, but only into the cache.
struct Fetcher {
  const std::byte* src;
  std::ptrdiff_t row;

  HWY_INLINE void word() {
    __builtin_prefetch(src, 0, 2);
    src += row;
  }
};

struct Nothing {
  HWY_INLINE void word() const {}
};

/// NaN stays NaN.
__m512 above_zero(__m512 v) {
  const __m512 zero = _mm512_setzero_ps();
  return _mm512_mask_mov_ps(v, _mm512_cmp_ps_mask(v, zero, _CMP_LE_OQ), zero);
}

/// kRows rows and kVectors vectors of dst, whose sums stay in registers: 28 of 32 at most.
template <class T, class Out, int kRows, int kVectors, class Meanwhile>
HWY_INLINE void tile(const Strip& s, const std::byte* a, const std::byte* b, const float* bias, std::byte* dst,
                     Meanwhile meanwhile) {
  __m512 sums[kRows][kVectors];
  HWY_UNROLL(8)
  for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      sums[i][v] = bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(bias + v * kLanes);
      __builtin_prefetch(dst + i * s.dst_row + v * kLanes * static_cast<int>(sizeof(Out)), 1);
    }
  }
  const std::ptrdiff_t a_row = s.a_row, a_word = s.a_word, b_row = s.b_row;
  if (a_word == 4) {  // the first lines of the next tile's rows; the processor fetches the others by itself
    HWY_UNROLL(8)
    for (int i = kRows; i < 2 * kRows; ++i) {
      HWY_UNROLL(4)
      for (int line = 0; line < 4; ++line) __builtin_prefetch(a + i * a_row + std::ptrdiff_t{64} * line, 0, 2);
    }
  }
  for (std::int64_t k = 0; k < s.inner; ++k, a += a_word, b += b_row) {
    meanwhile.word();
    __m512 row[kVectors];
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) row[v] = _mm512_loadu_ps(words(b) + v * kLanes);
    HWY_UNROLL(8)
    for (int i = 0; i < kRows; ++i) {
      float word = 0;  // two bf16 may lie at any even address
      std::memcpy(&word, a + i * a_row, sizeof(word));
      const __m512 factor = _mm512_set1_ps(word);
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sums[i][v] = multiply_add<T>(sums[i][v], factor, row[v]);
    }
  }
  if (s.relu) {
    HWY_UNROLL(8)
    for (int i = 0; i < kRows; ++i) {
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) sums[i][v] = above_zero(sums[i][v]);
    }
  }
  HWY_UNROLL(8)
  for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) store(sums[i][v], reinterpret_cast<Out*>(dst + i * s.dst_row) + v * kLanes);
  }
}

/// kRows rows of dst, in tiles from the left to the right.
template <class T, class Out, int kRows>
void band(const Strip& s, const std::byte* a, std::byte* dst) {
  const std::byte* b = s.b;
  const float* bias = s.bias;
  std::int64_t left = s.columns;
  for (; left >= kWidth; left -= kWidth) {
    tile<T, Out, kRows, 4>(s, a, b, bias, dst, Nothing());
    b += s.b_strip;
    dst += kWidth * static_cast<int>(sizeof(Out));
    if (bias != nullptr) bias += kWidth;
  }
  switch (left) {
    case 48: return tile<T, Out, kRows, 3>(s, a, b, bias, dst, Nothing());
    case 32: return tile<T, Out, kRows, 2>(s, a, b, bias, dst, Nothing());
    case 16: return tile<T, Out, kRows, 1>(s, a, b, bias, dst, Nothing());
    default: return;
  }
}

/// Six rows of at least kWidth columns, and meanwhile a part of what comes next.
template <class T, class Out>
void busy_band(const Strip& s, const std::byte* a, std::byte* dst, int part) {
  if (s.next.to == nullptr)
    tile<T, Out, 6, 4>(s, a, s.b, s.bias, dst, Fetcher{s.next.src + std::ptrdiff_t{64} * part, s.next.row});
  else
    tile<T, Out, 6, 4>(s, a, s.b, s.bias, dst, Gatherer<T>(s.next, part));
  Strip rest = s;
  rest.b += s.b_strip;
  rest.columns -= kWidth;
  if (rest.bias != nullptr) rest.bias += kWidth;
  band<T, Out, 6>(rest, a, dst + kWidth * static_cast<int>(sizeof(Out)));
}

/// 16 vectors as a square of words, turned.
HWY_INLINE void turn_square(__m512 (&r)[kLanes]) {
  __m512 t[kLanes];
  HWY_UNROLL(8)
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  HWY_UNROLL(4)
  for (int i = 0; i < 16; i += 4) {  // r[i + k]: of four rows the words k, k + 4, k + 8, k + 12
    r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  HWY_UNROLL(4)
  for (int k = 0; k < 4; ++k) {  // quarters, from rows 0, 4, 8 and 12 on
    t[k] = _mm512_shuffle_f32x4(r[k], r[k + 4], 0x88);
    t[k + 4] = _mm512_shuffle_f32x4(r[k], r[k + 4], 0xdd);
    t[k + 8] = _mm512_shuffle_f32x4(r[k + 8], r[k + 12], 0x88);
    t[k + 12] = _mm512_shuffle_f32x4(r[k + 8], r[k + 12], 0xdd);
  }
  HWY_UNROLL(4)
  for (int k = 0; k < 4; ++k) {
    r[k] = _mm512_shuffle_f32x4(t[k], t[k + 8], 0x88);
    r[k + 8] = _mm512_shuffle_f32x4(t[k], t[k + 8], 0xdd);
    r[k + 4] = _mm512_shuffle_f32x4(t[k + 4], t[k + 12], 0x88);
    r[k + 12] = _mm512_shuffle_f32x4(t[k + 4], t[k + 12], 0xdd);
  }
}

__mmask16 first(std::int64_t count) {
  return count >= kLanes ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << count) - 1u);
}

}  // namespace

template <class T, class Out>
void multiply(const Strip& s) {
  const std::byte* a = s.a;
  std::byte* dst = s.dst;
  int part = s.next.src == nullptr ? Gatherer<T>::kParts : 0;
  for (std::int64_t left = s.rows; left > 0;) {
    // Tiles of 6 rows, and of 7 for what is left over; where they are too few for that, of fewer than 6.
    const std::int64_t rows = tile_rows(left);
    switch (rows) {
      case 7: band<T, Out, 7>(s, a, dst); break;
      case 6:
        if (part < Gatherer<T>::kParts && s.columns >= kWidth)
          busy_band<T, Out>(s, a, dst, part++);
        else
          band<T, Out, 6>(s, a, dst);
        break;
      case 4: band<T, Out, 4>(s, a, dst); break;
      case 2: band<T, Out, 2>(s, a, dst); break;
      default: band<T, Out, 1>(s, a, dst); break;
    }
    a += rows * s.a_row;
    dst += rows * s.dst_row;
    left -= rows;
  }
  for (; part < Gatherer<T>::kParts && s.next.to != nullptr; ++part) {
    Gatherer<T> rest(s.next, part);
    for (std::int64_t k = 0; k < s.inner; ++k) rest.word();
  }
}
template void multiply<float, float>(const Strip&);
template void multiply<BFloat16, float>(const Strip&);
template void multiply<BFloat16, BFloat16>(const Strip&);

void turn(const std::byte* src, std::ptrdiff_t row, std::int64_t rows, std::int64_t count, std::byte* to) {
  for (std::int64_t i = 0; i < rows; i += kLanes) {
    for (std::int64_t k = 0; k < count; k += kLanes) {
      __m512 square[kLanes];
      const __mmask16 mask = first(count - k);
      HWY_UNROLL(16)
      for (int n = 0; n < kLanes; ++n) {
        const bool there = i + n < rows;
        __builtin_prefetch(src + (i + n) * row + k * 4 + 256, 0, 2);
        square[n] = there ? _mm512_maskz_loadu_ps(mask, words(src + (i + n) * row) + k) : _mm512_setzero_ps();
      }
      turn_square(square);
      HWY_UNROLL(16)
      for (int n = 0; n < kLanes; ++n) {
        if (k + n < count) _mm512_storeu_ps(reinterpret_cast<float*>(to) + (k + n) * kWidth + i, square[n]);
      }
    }
  }
}

template <class Out>
void turn_back(const float* sums, std::int64_t rows, std::int64_t columns, const float* bias, bool relu, std::byte* dst,
               std::ptrdiff_t dst_row) {
  const __m512 zero = _mm512_setzero_ps();
  for (std::int64_t j = 0; j < columns; j += kLanes) {
    const __mmask16 mask = first(columns - j);
    const __m512 shift = bias == nullptr ? zero : _mm512_maskz_loadu_ps(mask, bias + j);
    for (std::int64_t i = 0; i < rows; i += kLanes) {
      __m512 square[kLanes];
      HWY_UNROLL(16)
      for (int k = 0; k < kLanes; ++k) {
        const bool there = j + k < columns;
        square[k] = there ? _mm512_loadu_ps(sums + (j + k) * kWidth + i) : zero;
      }
      turn_square(square);
      HWY_UNROLL(16)
      for (int k = 0; k < kLanes; ++k) {
        if (i + k >= rows) break;
        __m512 v = _mm512_add_ps(square[k], shift);
        if (relu) v = above_zero(v);
        store(v, mask, reinterpret_cast<Out*>(dst + (i + k) * dst_row) + j);
      }
    }
  }
}
template void turn_back<float>(const float*, std::int64_t, std::int64_t, const float*, bool, std::byte*,
                               std::ptrdiff_t);
template void turn_back<BFloat16>(const float*, std::int64_t, std::int64_t, const float*, bool, std::byte*,
                                  std::ptrdiff_t);

template <class T>
void gather(const std::byte* src, std::ptrdiff_t row, std::int64_t count, std::int64_t columns, std::byte* to,
            std::ptrdiff_t to_row) {
  constexpr bool kPaired = sizeof(T) == 2;
  constexpr std::int64_t kAhead = 32;  // rows: memory is slow at strides that are no run
  const std::ptrdiff_t step = kPaired ? 2 * row : row;
  for (std::int64_t k = 0; k < count; ++k, src += step, to += to_row) {
    for (std::int64_t at = 0; at < columns * static_cast<int>(sizeof(T)); at += 64) {
      __builtin_prefetch(src + kAhead * step + at, 0, 2);
      if constexpr (kPaired) __builtin_prefetch(src + kAhead * step + row + at, 0, 2);
    }
    std::int64_t j = 0;
    if constexpr (kPaired) {
      for (; j + 2 * kLanes <= columns; j += 2 * kLanes) store_pairs(src + j * 2, src + row + j * 2, to + j * 4);
    } else {
      for (; j + kLanes <= columns; j += kLanes)
        _mm512_storeu_ps(reinterpret_cast<float*>(to) + j, _mm512_loadu_ps(words(src) + j));
    }
    for (; j < columns; j += kLanes) {
      const __mmask16 mask = first(columns - j);
      if constexpr (kPaired) {
        const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, src + j * 2));
        const __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, src + row + j * 2));
        _mm512_mask_storeu_epi32(to + j * 4, mask, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
      } else {
        _mm512_mask_storeu_ps(to + j * 4, mask, _mm512_maskz_loadu_ps(mask, src + j * 4));
      }
    }
  }
}
template void gather<float>(const std::byte*, std::ptrdiff_t, std::int64_t, std::int64_t, std::byte*, std::ptrdiff_t);
template void gather<BFloat16>(const std::byte*, std::ptrdiff_t, std::int64_t, std::int64_t, std::byte*,
                               std::ptrdiff_t);

}  // namespace dagrad::tile_kernels
HWY_POP_ATTRIBUTES

namespace dagrad::tile_kernels {

namespace {

/// The family of an AMD processor, else 0: 0x19 is Zen 3 and 4, 0x1a Zen 5 (AMD64 Architecture Programmer's Manual,
/// volume 3, CPUID function 1).
unsigned amd_family() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__builtin_cpu_is("amd") || __get_cpuid(1, &a, &b, &c, &d) == 0) return 0;
  const unsigned base = a >> 8 & 0xf, extended = a >> 20 & 0xff;
  return base == 0xf ? base + extended : base;
}

}  // namespace

bool available() {
  static const bool found = amd_family() >= 0x19 && __builtin_cpu_supports("avx512bf16");
  return found;
}

}  // namespace dagrad::tile_kernels
#endif
