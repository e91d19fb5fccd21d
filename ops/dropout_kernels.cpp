#include "dagrad/ops/dropout_kernels.h"

#include <algorithm>
#include <type_traits>

// As for the elementwise ops: SSE2, AVX2 and AVX-512.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/dropout_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/core/float_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::dropout_kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using DF = hn::ScalableTag<float>;
using DU = hn::RebindToUnsigned<DF>;
using VU = hn::Vec<DU>;

constexpr std::size_t kLanes = hn::MaxLanes(DU());

/// x becomes the upper halves of the products x m, and `low` gets the lower ones.
HWY_INLINE void multiply(VU& x, VU m, VU& low) {
  const DU d;
#if HWY_TARGET == HWY_SCALAR
  const std::uint64_t product = std::uint64_t{hn::GetLane(x)} * hn::GetLane(m);
  low = hn::Set(d, static_cast<std::uint32_t>(product));
  x = hn::Set(d, static_cast<std::uint32_t>(product >> 32));
#else
  const hn::RepartitionToWide<DU> wide;
  const auto even = hn::MulEven(x, m), odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, x))), m);
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
  x = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
#endif
}

/// As many blocks of the stream as a vector has lanes, the first being `position`: Philox4x32-10 (Salmon et al., SC
/// 2011), as Generator::block() computes it. `words` has room for 4 kLanes.
HWY_INLINE void fill_words(std::uint64_t seed, std::uint64_t position, std::uint32_t* words) {
  const DU d;
  const auto low = [](std::uint64_t x) HWY_ATTR { return static_cast<std::uint32_t>(x); };
  const VU first = hn::Set(d, low(position)), at = hn::Add(first, hn::Iota(d, 0)),
           carried = hn::Set(d, low((position >> 32) + 1));
  VU a = at, b = hn::IfThenElse(hn::Lt(at, first), carried, hn::Set(d, low(position >> 32))), c = hn::Zero(d), e = c;
  VU key_0 = hn::Set(d, low(seed)), key_1 = hn::Set(d, low(seed >> 32));
  const VU by_a = hn::Set(d, 0xD2511F53U), by_c = hn::Set(d, 0xCD9E8D57U), step_0 = hn::Set(d, 0x9E3779B9U),
           step_1 = hn::Set(d, 0xBB67AE85U);
  for (int round = 0; round < 10; ++round) {
    VU low_a, low_c;
    multiply(a, by_a, low_a);
    multiply(c, by_c, low_c);
    const VU next_a = hn::Xor(hn::Xor(c, b), key_0), next_c = hn::Xor(hn::Xor(a, e), key_1);
    a = next_a;
    b = low_c;
    c = next_c;
    e = low_a;
    key_0 = hn::Add(key_0, step_0);
    key_1 = hn::Add(key_1, step_1);
  }
  hn::StoreInterleaved4(a, b, c, e, d, words);
}

/// f(words, i, n) for elements i to i + n - 1 in turn.
template <class F>
HWY_INLINE void for_words(Stream stream, std::int64_t count, const F& f) {
  HWY_ALIGN std::uint32_t words[4 * kLanes];
  const auto blocks = static_cast<std::int64_t>(hn::Lanes(DU()));
  for (std::int64_t i = 0; i < count; i += 4 * blocks, stream.position += static_cast<std::uint64_t>(blocks)) {
    fill_words(stream.seed, stream.position, words);
    f(words, i, std::min(4 * blocks, count - i));
  }
}

/// T is float or the bits of bf16.
template <class T>
void keep_vectors(Stream stream, std::uint32_t last, float scale, const T* src, T* dst, std::int64_t count) {
  const DF d;
  const DU bits;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto value = [&](const std::uint32_t* word, auto v) HWY_ATTR {
    const auto dropped = hn::Gt(hn::Load(bits, word), hn::Set(bits, last));
    return hn::IfThenZeroElse(hn::RebindMask(d, dropped), hn::Mul(v, hn::Set(d, scale)));
  };
  using float_lanes::HWY_NAMESPACE::load;
  using float_lanes::HWY_NAMESPACE::store;
  for_words(stream, count, [&](const std::uint32_t* words, std::int64_t first, std::int64_t some) HWY_ATTR {
    std::int64_t k = 0;
    for (; k + lanes <= some; k += lanes) store(value(words + k, load(src + first + k)), dst + first + k);
    if (k == some) return;
    HWY_ALIGN T rest[kLanes] = {};
    std::copy_n(src + first + k, some - k, rest);
    store(value(words + k, load(rest)), rest);
    std::copy_n(rest, some - k, dst + first + k);
  });
}

void keep_f32(Stream stream, std::uint32_t last, float scale, const float* src, float* dst, std::int64_t count) {
  keep_vectors(stream, last, scale, src, dst, count);
}
void keep_bf16(Stream stream, std::uint32_t last, float scale, const BFloat16* src, BFloat16* dst, std::int64_t count) {
  static_assert(sizeof(BFloat16) == sizeof(std::uint16_t));
  keep_vectors(stream, last, scale, reinterpret_cast<const std::uint16_t*>(src), reinterpret_cast<std::uint16_t*>(dst),
               count);
}
void keep_f64(Stream stream, std::uint32_t last, double scale, const double* src, double* dst, std::int64_t count) {
  for_words(stream, count, [&](const std::uint32_t* words, std::int64_t first, std::int64_t some) HWY_ATTR {
    for (std::int64_t k = 0; k < some; ++k) dst[first + k] = words[k] <= last ? src[first + k] * scale : 0;
  });
}

}  // namespace dagrad::dropout_kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::dropout_kernels {
namespace {

HWY_EXPORT(keep_f32);
HWY_EXPORT(keep_bf16);
HWY_EXPORT(keep_f64);

std::uint32_t last_kept(std::uint64_t threshold) { return static_cast<std::uint32_t>(threshold - 1); }

}  // namespace

void keep(Stream stream, std::uint64_t threshold, double scale, const float* src, float* dst, std::int64_t count) {
  if (threshold == 0) return static_cast<void>(std::fill_n(dst, count, 0.0F));
  HWY_DYNAMIC_DISPATCH(keep_f32)(stream, last_kept(threshold), static_cast<float>(scale), src, dst, count);
}
void keep(Stream stream, std::uint64_t threshold, double scale, const BFloat16* src, BFloat16* dst,
          std::int64_t count) {
  if (threshold == 0) return static_cast<void>(std::fill_n(dst, count, BFloat16()));
  HWY_DYNAMIC_DISPATCH(keep_bf16)(stream, last_kept(threshold), static_cast<float>(scale), src, dst, count);
}
void keep(Stream stream, std::uint64_t threshold, double scale, const double* src, double* dst, std::int64_t count) {
  if (threshold == 0) return static_cast<void>(std::fill_n(dst, count, 0.0));
  HWY_DYNAMIC_DISPATCH(keep_f64)(stream, last_kept(threshold), scale, src, dst, count);
}

}  // namespace dagrad::dropout_kernels
#endif
