// What pooling does to the channels of one window, for f32, bf16 (as bits) and f64. Internal.
// Included once per SIMD target, so it has no ordinary include guard.

#if defined(DAGRAD_OPS_POOLING_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef DAGRAD_OPS_POOLING_ROWS_INL_H
#undef DAGRAD_OPS_POOLING_ROWS_INL_H
#else
#define DAGRAD_OPS_POOLING_ROWS_INL_H
#endif

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <hwy/highway.h>
#include <limits>
#include <type_traits>

#include "dagrad/core/dtype.h"
#include "dagrad/core/float_lanes-inl.h"
#include "dagrad/ops/pooling_windows.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::pooling::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<float>;
using I32 = hn::RebindToSigned<D32>;
using V32 = hn::Vec<D32>;

using float_lanes::HWY_NAMESPACE::load;
using float_lanes::HWY_NAMESPACE::store;

using VI = hn::Vec<I32>;
HWY_INLINE VI load_numbers(const std::uint8_t* p) {
  return hn::PromoteTo(I32(), hn::LoadU(hn::Rebind<std::uint8_t, I32>(), p));
}
HWY_INLINE void store_numbers(VI v, std::uint8_t* p) {
  const hn::Rebind<std::uint8_t, I32> narrow;
  hn::StoreU(hn::DemoteTo(narrow, v), narrow, p);
}
HWY_INLINE VI load_numbers(const std::int64_t* p) {
  HWY_ALIGN std::int32_t values[hn::MaxLanes(I32())];
  for (std::size_t i = 0; i < hn::Lanes(I32()); ++i) values[i] = static_cast<std::int32_t>(p[i]);
  return hn::Load(I32(), values);
}
HWY_INLINE void store_numbers(VI v, std::int64_t* p) {
  HWY_ALIGN std::int32_t values[hn::MaxLanes(I32())];
  hn::Store(v, I32(), values);
  for (std::size_t i = 0; i < hn::Lanes(I32()); ++i) p[i] = values[i];
}

/// One element, as bits of bf16 too.
HWY_INLINE float load_one(float x) { return x; }
HWY_INLINE double load_one(double x) { return x; }
HWY_INLINE float load_one(std::uint16_t x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16); }
HWY_INLINE void store_one(float x, float* p) { *p = x; }
HWY_INLINE void store_one(double x, double* p) { *p = x; }
HWY_INLINE void store_one(float x, std::uint16_t* p) { *p = BFloat16(x).bits; }

/// f64 is the reference, element by element; the others go by vectors, and by elements what is left over.
template <class T>
inline constexpr bool in_vectors = !std::is_same_v<T, double>;

/// The elements under a window, as steps from where it begins: some, or exactly kCount, so that loops over them unroll.
template <std::size_t kCount>
struct Taps {
  std::array<std::ptrdiff_t, kCount> steps;
  std::array<std::int32_t, kCount> numbers;

  Taps(const Tap* taps, std::size_t, std::int64_t channels) {
    for (std::size_t k = 0; k < kCount; ++k) {
      steps[k] = taps[k].source * channels;
      numbers[k] = taps[k].number;
    }
  }
  static constexpr std::size_t count() { return kCount; }
  std::ptrdiff_t step(std::size_t k) const { return steps[k]; }
  std::int32_t number(std::size_t k) const { return numbers[k]; }
};
template <>
struct Taps<0> {
  const Tap* taps;
  std::size_t size;
  std::int64_t channels;

  Taps(const Tap* from, std::size_t n, std::int64_t c) : taps(from), size(n), channels(c) {}
  std::size_t count() const { return size; }
  std::ptrdiff_t step(std::size_t k) const { return taps[k].source * channels; }
  std::int32_t number(std::size_t k) const { return taps[k].number; }
};

/// Calls `vector(c)` for each full vector of channels, then `element(c)` for the rest.
template <class T, class Vector, class Element>
HWY_INLINE void for_each_channel(std::int64_t channels, const Vector& vector, const Element& element) {
  std::int64_t c = 0;
  if constexpr (in_vectors<T>) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(D32()));
    for (; c + lanes <= channels; c += lanes) vector(c);
  }
  for (; c < channels; ++c) element(c);
}

/// dst = the largest of `src` at the taps, numbers = which. With `floor`, of what is above 0 only, and 0 where nothing
/// is.
template <bool kFloor, class T, class N, std::size_t kCount>
HWY_INLINE void max_row(const T* src, const Taps<kCount>& taps, std::int64_t channels, std::int32_t none, T* dst,
                        N* numbers) {
  const std::size_t count = taps.count();
  const bool floor = kFloor && count > 0;
  const std::int32_t first_number = count == 0 || floor ? none : taps.number(0);
  const std::size_t rest = count == 0 || floor ? 0 : 1;
  const auto vector = [&](std::int64_t c) HWY_ATTR {
    if constexpr (in_vectors<T>) {
      auto best = rest == 1 ? load(src + taps.step(0) + c) : floor ? hn::Zero(D32()) : hn::Neg(hn::Inf(D32()));
      auto taken = hn::Set(I32(), first_number);
      for (std::size_t k = rest; k < taps.count(); ++k) {
        const auto x = load(src + taps.step(k) + c);
        const auto take = hn::Or(hn::Gt(x, best), hn::IsNaN(x));
        best = hn::IfThenElse(take, x, best);
        taken = hn::IfThenElse(hn::RebindMask(I32(), take), hn::Set(I32(), taps.number(k)), taken);
      }
      store(best, dst + c);
      store_numbers(taken, numbers + c);
    }
  };
  const auto element = [&](std::int64_t c) {
    using Value = decltype(load_one(*src));
    auto best = rest == 1 ? load_one(src[taps.step(0) + c])
                : floor   ? Value{0}
                          : -std::numeric_limits<Value>::infinity();
    std::int32_t taken = first_number;
    for (std::size_t k = rest; k < taps.count(); ++k) {
      const auto x = load_one(src[taps.step(k) + c]);
      if (x > best || std::isnan(x)) {
        best = x;
        taken = taps.number(k);
      }
    }
    store_one(best, dst + c);
    numbers[c] = static_cast<N>(taken);
  };
  for_each_channel<T>(channels, vector, element);
}

/// diff_src += (or with kFirst =) diff_dst where number is the tap's, else 0.
template <bool kFirst, class T, class N, std::size_t kCount>
HWY_INLINE void max_scatter_row(const T* diff_dst, const N* numbers, const Taps<kCount>& taps, std::int64_t channels,
                                T* diff_src) {
  const auto vector = [&](std::int64_t c) HWY_ATTR {
    if constexpr (in_vectors<T>) {
      const auto diff = load(diff_dst + c);
      const auto taken = load_numbers(numbers + c);
      for (std::size_t k = 0; k < taps.count(); ++k) {
        T* into = diff_src + taps.step(k) + c;
        const auto here = hn::RebindMask(D32(), hn::Eq(taken, hn::Set(I32(), taps.number(k))));
        const auto share = hn::IfThenElseZero(here, diff);
        store(kFirst ? share : hn::Add(load(into), share), into);
      }
    }
  };
  const auto element = [&](std::int64_t c) {
    for (std::size_t k = 0; k < taps.count(); ++k) {
      T* into = diff_src + taps.step(k) + c;
      const auto share = numbers[c] == static_cast<N>(taps.number(k)) ? load_one(diff_dst[c]) : 0;
      store_one(kFirst ? share : load_one(*into) + share, into);
    }
  };
  for_each_channel<T>(channels, vector, element);
}

/// dst = src at the tap whose number is given, 0 where there is none.
template <class T, class N, std::size_t kCount>
HWY_INLINE void max_gather_row(const T* src, const N* numbers, const Taps<kCount>& taps, std::int64_t channels,
                               T* dst) {
  const auto vector = [&](std::int64_t c) HWY_ATTR {
    if constexpr (in_vectors<T>) {
      const auto taken = load_numbers(numbers + c);
      auto found = hn::Zero(D32());
      for (std::size_t k = 0; k < taps.count(); ++k) {
        const auto here = hn::RebindMask(D32(), hn::Eq(taken, hn::Set(I32(), taps.number(k))));
        found = hn::IfThenElse(here, load(src + taps.step(k) + c), found);
      }
      store(found, dst + c);
    }
  };
  const auto element = [&](std::int64_t c) {
    auto found = load_one(T{});
    for (std::size_t k = 0; k < taps.count(); ++k) {
      if (numbers[c] == static_cast<N>(taps.number(k))) found = load_one(src[taps.step(k) + c]);
    }
    store_one(found, dst + c);
  };
  for_each_channel<T>(channels, vector, element);
}

/// dst = weight * sum of `src` at the taps.
template <class T, std::size_t kCount>
HWY_INLINE void sum_row(const T* src, const Taps<kCount>& taps, std::int64_t channels, double weight, T* dst) {
  const auto vector = [&](std::int64_t c) HWY_ATTR {
    if constexpr (in_vectors<T>) {
      auto sum = hn::Zero(D32());
      for (std::size_t k = 0; k < taps.count(); ++k) sum = hn::Add(sum, load(src + taps.step(k) + c));
      store(hn::Mul(sum, hn::Set(D32(), static_cast<float>(weight))), dst + c);
    }
  };
  const auto element = [&](std::int64_t c) {
    auto sum = load_one(T{});
    for (std::size_t k = 0; k < taps.count(); ++k) sum += load_one(src[taps.step(k) + c]);
    store_one(sum * static_cast<decltype(sum)>(weight), dst + c);
  };
  for_each_channel<T>(channels, vector, element);
}

/// diff_src += (or with kFirst =) weight * diff_dst at the taps.
template <bool kFirst, class T, std::size_t kCount>
HWY_INLINE void sum_scatter_row(const T* diff_dst, const Taps<kCount>& taps, std::int64_t channels, double weight,
                                T* diff_src) {
  const auto vector = [&](std::int64_t c) HWY_ATTR {
    if constexpr (in_vectors<T>) {
      const auto share = hn::Mul(load(diff_dst + c), hn::Set(D32(), static_cast<float>(weight)));
      for (std::size_t k = 0; k < taps.count(); ++k) {
        T* into = diff_src + taps.step(k) + c;
        store(kFirst ? share : hn::Add(load(into), share), into);
      }
    }
  };
  const auto element = [&](std::int64_t c) {
    const auto share = load_one(diff_dst[c]) * static_cast<decltype(load_one(T{}))>(weight);
    for (std::size_t k = 0; k < taps.count(); ++k) {
      T* into = diff_src + taps.step(k) + c;
      store_one(kFirst ? share : load_one(*into) + share, into);
    }
  };
  for_each_channel<T>(channels, vector, element);
}

}  // namespace dagrad::pooling::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
