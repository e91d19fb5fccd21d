// Vectors of a line of f32 or bf16, and of its end, as the normalizations read and write them. Internal.
// Included once per SIMD target, so it has no ordinary include guard.

#if defined(DAGRAD_OPS_NORM_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DAGRAD_OPS_NORM_LANES_INL_H
#undef DAGRAD_OPS_NORM_LANES_INL_H
#else
#define DAGRAD_OPS_NORM_LANES_INL_H
#endif

#include <array>
#include <cstdint>
#include <hwy/highway.h>

#include "dagrad/core/dtype.h"
#include "dagrad/core/float_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::norm_lines::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// A whole vector's worth of elements from i on. bf16 are computed with in f32.
struct Full {
  std::int64_t i;

  HWY_INLINE V load(const float* from) const { return hn::LoadU(D(), from + i); }
  HWY_INLINE V load(const BFloat16* from) const {
    return float_lanes::HWY_NAMESPACE::load(reinterpret_cast<const std::uint16_t*>(from + i));
  }
  HWY_INLINE V load_or(const float* from, float otherwise) const {
    return from == nullptr ? hn::Set(D(), otherwise) : load(from);
  }
  HWY_INLINE void store(V v, float* to) const { hn::StoreU(v, D(), to + i); }
  HWY_INLINE void store(V v, BFloat16* to) const {
    float_lanes::HWY_NAMESPACE::store(v, reinterpret_cast<std::uint16_t*>(to + i));
  }
  HWY_INLINE V keep(V v) const { return v; }
};

/// The last elements, fewer than a vector's.
struct Tail {
  std::int64_t i;
  std::size_t count;

  HWY_INLINE hn::Mask<D> mask() const { return hn::FirstN(D(), count); }
  HWY_INLINE V load(const float* from) const { return hn::MaskedLoad(mask(), D(), from + i); }
  HWY_INLINE V load(const BFloat16* from) const {
    HWY_ALIGN std::array<float, hn::MaxLanes(D())> wide{};
    for (std::size_t k = 0; k < count; ++k) wide[k] = static_cast<float>(from[i + static_cast<std::int64_t>(k)]);
    return hn::Load(D(), wide.data());
  }
  HWY_INLINE V load_or(const float* from, float otherwise) const {
    return from == nullptr ? hn::Set(D(), otherwise) : load(from);
  }
  HWY_INLINE void store(V v, float* to) const { hn::BlendedStore(v, mask(), D(), to + i); }
  HWY_INLINE void store(V v, BFloat16* to) const {
    HWY_ALIGN std::array<float, hn::MaxLanes(D())> wide;
    hn::Store(v, D(), wide.data());
    for (std::size_t k = 0; k < count; ++k) to[i + static_cast<std::int64_t>(k)] = BFloat16(wide[k]);
  }
  /// 0 in the lanes that are not there.
  HWY_INLINE V keep(V v) const { return hn::IfThenElseZero(mask(), v); }
};

/// f(Full or Tail) for all elements.
template <class F>
HWY_INLINE void for_each(std::int64_t count, const F& f) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) f(Full{i});
  if (i < count) f(Tail{i, static_cast<std::size_t>(count - i)});
}

/// g where the relu let it through.
template <class At, class X>
HWY_INLINE V passed(At at, const X* g, const X* y) {
  const V v = at.load(g);
  return y == nullptr ? v : hn::IfThenElseZero(hn::Gt(at.load(y), hn::Zero(D())), v);
}

/// Not Max, which would lose a NaN.
HWY_INLINE V above_zero(V v) { return hn::IfThenElse(hn::Lt(v, hn::Zero(D())), hn::Zero(D()), v); }

}  // namespace dagrad::norm_lines::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
