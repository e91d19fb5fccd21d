#include "dagrad/ops/dropout_kernels.h"

#include <algorithm>
#include <array>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/dropout_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/core/float_lanes-inl.h"
#include "dagrad/core/philox.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::dropout_kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The bits of the elements from i on, at the lowest end of 8 bytes.
template <class D>
HWY_INLINE hn::Mask<D> mask_at(D d, const std::uint8_t* bits, std::int64_t i) {
  if (hn::Lanes(d) >= 8) return hn::LoadMaskBits(d, bits + i / 8);
  const std::uint8_t shifted[8] = {static_cast<std::uint8_t>(bits[i / 8] >> (i % 8))};
  return hn::LoadMaskBits(d, shifted);
}

void draw_bits(const std::uint32_t* words, std::uint32_t last_kept, std::uint8_t* bits) {
  const hn::CappedTag<std::uint32_t, 64> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto last = hn::Set(d, last_kept);
  const auto kept = [&](std::int64_t i) HWY_ATTR { return hn::Not(hn::Gt(hn::LoadU(d, words + i), last)); };
  if (lanes >= 8) {
    for (std::int64_t i = 0; i < kUnit; i += lanes) hn::StoreMaskBits(d, kept(i), bits + i / 8);
    return;
  }
  for (std::int64_t i = 0; i < kUnit; i += 8) {
    int byte = 0;
    for (std::int64_t k = 0; k < 8; k += lanes) {
      std::uint8_t part[8];
      hn::StoreMaskBits(d, kept(i + k), part);
      byte |= part[0] << k;
    }
    bits[i / 8] = static_cast<std::uint8_t>(byte);
  }
}

/// T: float, or bf16 as bits, computed with in f32.
template <class T>
HWY_INLINE void apply_to(const T* src, const std::uint8_t* bits, const Outcome& outcome, T* dst, std::int64_t count) {
  namespace fl = float_lanes::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto scale = hn::Set(d, static_cast<float>(outcome.scale)),
             shift = hn::Set(d, static_cast<float>(outcome.shift));
  const auto dropped = hn::Set(d, static_cast<float>(outcome.dropped));
  const auto apply = [&](const T* from, std::int64_t at, T* to) HWY_ATTR {
    const auto x = fl::load(from);
    fl::store(hn::IfThenElse(mask_at(d, bits, at), hn::Add(hn::Mul(x, scale), shift), dropped), to);
  };
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) apply(src + i, i, dst + i);
  if (i == count) return;
  HWY_ALIGN std::array<T, hn::MaxLanes(hn::ScalableTag<float>())> rest{};
  std::copy(src + i, src + count, rest.begin());
  apply(rest.data(), i, rest.data());
  std::copy_n(rest.begin(), count - i, dst + i);
}

void apply_f32(const float* src, const std::uint8_t* bits, const Outcome& outcome, float* dst, std::int64_t count) {
  apply_to(src, bits, outcome, dst, count);
}
void apply_bf16(const BFloat16* src, const std::uint8_t* bits, const Outcome& outcome, BFloat16* dst,
                std::int64_t count) {
  apply_to(reinterpret_cast<const std::uint16_t*>(src), bits, outcome, reinterpret_cast<std::uint16_t*>(dst), count);
}

}  // namespace dagrad::dropout_kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::dropout_kernels {

HWY_EXPORT(draw_bits);
HWY_EXPORT(apply_f32);
HWY_EXPORT(apply_bf16);

void draw(std::uint64_t seed, std::uint64_t position, std::uint32_t last_kept, std::uint8_t* bits) {
  std::array<std::uint32_t, kUnit> words;
  philox::words(seed, position, words.data());
  HWY_DYNAMIC_DISPATCH(draw_bits)(words.data(), last_kept, bits);
}

void apply(const float* src, const std::uint8_t* bits, const Outcome& outcome, float* dst, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(apply_f32)(src, bits, outcome, dst, count);
}

void apply(const BFloat16* src, const std::uint8_t* bits, const Outcome& outcome, BFloat16* dst, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(apply_bf16)(src, bits, outcome, dst, count);
}

void apply(const double* src, const std::uint8_t* bits, const Outcome& outcome, double* dst, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const bool kept = (bits[i / 8] >> (i % 8) & 1) != 0;
    dst[i] = kept ? src[i] * outcome.scale + outcome.shift : outcome.dropped;
  }
}

}  // namespace dagrad::dropout_kernels
#endif
