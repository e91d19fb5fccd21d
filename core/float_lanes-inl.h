// Vectors of f32 that are read from and written to f32 or bf16 (as bits). Internal.
// Included once per SIMD target, so it has no ordinary include guard.

#if defined(DAGRAD_CORE_FLOAT_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DAGRAD_CORE_FLOAT_LANES_INL_H
#undef DAGRAD_CORE_FLOAT_LANES_INL_H
#else
#define DAGRAD_CORE_FLOAT_LANES_INL_H
#endif

#include <cstdint>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::float_lanes::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<float>;
using V32 = hn::Vec<D32>;

HWY_INLINE V32 load(const float* p) { return hn::LoadU(D32(), p); }
HWY_INLINE void store(V32 v, float* p) { hn::StoreU(v, D32(), p); }

/// bf16 is the upper half of an f32.
HWY_INLINE V32 load(const std::uint16_t* p) {
  const hn::RebindToUnsigned<D32> wide;
  const hn::Rebind<std::uint16_t, D32> narrow;
  return hn::BitCast(D32(), hn::ShiftLeft<16>(hn::PromoteTo(wide, hn::LoadU(narrow, p))));
}
HWY_INLINE void store(V32 v, std::uint16_t* p) {
  const hn::RebindToUnsigned<D32> wide;
  const hn::RebindToSigned<D32> with_sign;
  const hn::Rebind<std::uint16_t, D32> narrow;
  const auto bits = hn::BitCast(wide, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(wide, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(wide, 0x7fff)));
  const auto quiet = hn::Or(bits, hn::Set(wide, 0x400000));  // rounding could turn a NaN into infinity
  const auto nan = hn::RebindMask(wide, hn::IsNaN(v));
  const auto upper = hn::ShiftRight<16>(hn::IfThenElse(nan, quiet, rounded));
  hn::StoreU(hn::DemoteTo(narrow, hn::BitCast(with_sign, upper)), narrow, p);
}

}  // namespace dagrad::float_lanes::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
