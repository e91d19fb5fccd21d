#include "dagrad/ops/first_best.h"

#include <cmath>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/first_best.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::first_best::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct Largest {
  static HWY_INLINE auto not_beyond(auto x, auto best) { return hn::Le(x, best); }
  static bool beyond(float x, float best) { return x > best; }
};
struct Smallest {
  static HWY_INLINE auto not_beyond(auto x, auto best) { return hn::Ge(x, best); }
  static bool beyond(float x, float best) { return x < best; }
};

template <class Rule>
HWY_INLINE void columns_by(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count, float* best,
                           std::int32_t* place) {
  constexpr std::int64_t kRows = 4;  // at a time, while the best of some columns stay in registers
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  // A comparison with NaN is false: what is not at most as good is better, or a NaN, which another one keeps off.
  const auto step = [&](auto v, std::int64_t row, auto& b, auto& p) HWY_ATTR {
    const auto takes = hn::And(hn::Not(Rule::not_beyond(v, b)), hn::Eq(b, b));
    b = hn::IfThenElse(takes, v, b);
    p = hn::IfThenElse(hn::RebindMask(di, takes), hn::Set(di, static_cast<std::int32_t>(row)), p);
  };
  for (std::int64_t i = 0; i < rows; i += kRows) {
    const std::int64_t end = i + kRows < rows ? i + kRows : rows;
    std::int64_t j = 0;
    for (; j + lanes <= count; j += lanes) {
      const float* const at = x + j;
      auto b = hn::LoadU(d, best + j);
      auto p = hn::LoadU(di, place + j);
      if (end - i == kRows) {
        step(hn::LoadU(d, at + i * stride), i, b, p);
        step(hn::LoadU(d, at + (i + 1) * stride), i + 1, b, p);
        step(hn::LoadU(d, at + (i + 2) * stride), i + 2, b, p);
        step(hn::LoadU(d, at + (i + 3) * stride), i + 3, b, p);
      } else {
        for (std::int64_t row = i; row < end; ++row) step(hn::LoadU(d, at + row * stride), row, b, p);
      }
      hn::StoreU(b, d, best + j);
      hn::StoreU(p, di, place + j);
    }
    for (; j < count; ++j) {
      for (std::int64_t row = i; row < end; ++row) {
        const float v = x[row * stride + j];
        if (!Rule::beyond(v, best[j]) && !(std::isnan(v) && !std::isnan(best[j]))) continue;
        best[j] = v;
        place[j] = static_cast<std::int32_t>(row);
      }
    }
  }
}

void columns(Order order, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count, float* best,
             std::int32_t* place) {
  if (order == Order::largest)
    columns_by<Largest>(x, stride, rows, count, best, place);
  else
    columns_by<Smallest>(x, stride, rows, count, best, place);
}

std::int64_t place_of(const float* x, std::int64_t count, float best) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto wanted = hn::Set(d, best);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    const std::intptr_t found = hn::FindFirstTrue(d, hn::Or(hn::Eq(v, wanted), hn::IsNaN(v)));
    if (found >= 0) return i + found;
  }
  while (i + 1 < count && x[i] != best && !std::isnan(x[i])) ++i;
  return i;
}

}  // namespace dagrad::first_best::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::first_best {

HWY_EXPORT(columns);
HWY_EXPORT(place_of);

void columns(Order order, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t count, float* best,
             std::int32_t* place) {
  HWY_DYNAMIC_DISPATCH(columns)(order, x, stride, rows, count, best, place);
}

std::int64_t place_of(const float* x, std::int64_t count, float best) {
  return HWY_DYNAMIC_DISPATCH(place_of)(x, count, best);
}

}  // namespace dagrad::first_best
#endif
