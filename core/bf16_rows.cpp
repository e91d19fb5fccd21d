#include "dagrad/core/bf16_rows.h"

// Three targets are enough to be near the best everywhere, and keep the build short: SSE2, AVX2 and AVX-512.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/core/bf16_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/core/float_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::float_lanes::HWY_NAMESPACE {

/// From and To are float and the bits of bf16, or the other way round. Returns how many are done.
template <class From, class To>
HWY_INLINE std::int64_t convert_vectors(const From* src, To* dst, std::int64_t count) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D32()));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(load(src + i), dst + i);
  return i;
}

void widen(const BFloat16* src, float* dst, std::int64_t count) {
  static_assert(sizeof(BFloat16) == sizeof(std::uint16_t));
  std::int64_t i = convert_vectors(reinterpret_cast<const std::uint16_t*>(src), dst, count);
  for (; i < count; ++i) dst[i] = static_cast<float>(src[i]);
}
void narrow(const float* src, BFloat16* dst, std::int64_t count) {
  std::int64_t i = convert_vectors(src, reinterpret_cast<std::uint16_t*>(dst), count);
  for (; i < count; ++i) dst[i] = BFloat16(src[i]);
}

}  // namespace dagrad::float_lanes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad {
namespace float_lanes {

HWY_EXPORT(widen);
HWY_EXPORT(narrow);

void widen_row(const BFloat16* src, float* dst, std::int64_t count) { HWY_DYNAMIC_DISPATCH(widen)(src, dst, count); }
void narrow_row(const float* src, BFloat16* dst, std::int64_t count) { HWY_DYNAMIC_DISPATCH(narrow)(src, dst, count); }

}  // namespace float_lanes

void widen(const BFloat16* src, float* dst, std::int64_t count) { float_lanes::widen_row(src, dst, count); }
void narrow(const float* src, BFloat16* dst, std::int64_t count) { float_lanes::narrow_row(src, dst, count); }

}  // namespace dagrad
#endif
