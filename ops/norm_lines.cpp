#include "dagrad/ops/norm_lines.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/norm_lines.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/ops/norm_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::norm_lines::HWY_NAMESPACE {

/// Full, but past the caches.
struct Streamed : Full {
  HWY_INLINE void store(V v, float* to) const { hn::Stream(v, D(), to + i); }
};

/// The same for results that are written to dst, past the caches where that is asked for and can be done.
template <class F>
HWY_INLINE void for_each_of(const float* dst, bool streamed, std::int64_t count, const F& f) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  if (!streamed || count % lanes != 0 || reinterpret_cast<std::uintptr_t>(dst) % 64 != 0) return for_each(count, f);
  for (std::int64_t i = 0; i < count; i += lanes) f(Streamed{{i}});
}

/// The sums over all lanes of what f(Full or Tail, s, t) adds to s and t.
template <class F>
HWY_INLINE Sums<float> total(std::int64_t count, const F& f) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  V s0 = hn::Zero(D()), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    f(Full{i}, s0, t0);
    f(Full{i + lanes}, s1, t1);
    f(Full{i + 2 * lanes}, s2, t2);
    f(Full{i + 3 * lanes}, s3, t3);
  }
  for (; i + lanes <= count; i += lanes) f(Full{i}, s0, t0);
  if (i < count) f(Tail{i, static_cast<std::size_t>(count - i)}, s1, t1);
  const auto sum = [](V a, V b, V c, V d)
                       HWY_ATTR { return hn::GetLane(hn::SumOfLanes(D(), hn::Add(hn::Add(a, b), hn::Add(c, d)))); };
  return {sum(s0, s1, s2, s3), sum(t0, t1, t2, t3)};
}

// Each kernel of a line, for at most 4096 elements where it adds up.

template <class X>
HWY_INLINE Moments<float> moments_of(const X* x, std::int64_t count) {
  const float sum = total(count, [x](auto at, V& s, V&) HWY_ATTR { s = hn::Add(s, at.load(x)); }).g;
  const float mean = sum / static_cast<float>(count);
  const V m = hn::Set(D(), mean);
  const float squares = total(count, [x, &m](auto at, V& s, V&) HWY_ATTR {
                          const V d = at.keep(hn::Sub(at.load(x), m));
                          s = hn::MulAdd(d, d, s);
                        }).g;
  return {mean, squares};
}

float squares_f32(const float* x, std::int64_t count) {
  return total(count,
               [x](auto at, V& s, V&) HWY_ATTR {
                 const V v = at.load(x);
                 s = hn::MulAdd(v, v, s);
               })
      .g;
}

template <class X>
HWY_INLINE void normalize_to(const X* x, float mean, float scale, float shift, bool relu, X* dst, std::int64_t count) {
  const V m = hn::Set(D(), mean), a = hn::Set(D(), scale), b = hn::Set(D(), shift);
  if (relu)
    for_each(count, [&](auto at) HWY_ATTR { at.store(above_zero(hn::MulAdd(hn::Sub(at.load(x), m), a, b)), dst); });
  else
    for_each(count, [&](auto at) HWY_ATTR { at.store(hn::MulAdd(hn::Sub(at.load(x), m), a, b), dst); });
}

template <class X>
HWY_INLINE Sums<float> sums_of(const X* g, const X* x, const X* y, float mean, std::int64_t count) {
  const V m = hn::Set(D(), mean);
  return total(count, [&](auto at, V& s, V& t) HWY_ATTR {
    const V v = passed(at, g, y);  // 0 beyond the end
    s = hn::Add(s, v);
    t = hn::MulAdd(v, hn::Sub(at.load(x), m), t);
  });
}

template <class X>
HWY_INLINE void gradient_to(const X* g, const X* x, const X* y, Gradient<float> by, X* dst, std::int64_t count) {
  const V m = hn::Set(D(), by.mean), a = hn::Set(D(), by.scale), b = hn::Set(D(), by.shift), c = hn::Set(D(), by.slope);
  if (by.slope == 0)  // not 0 * x, which is NaN where x is infinite
    return for_each(count, [&](auto at) HWY_ATTR { at.store(hn::MulSub(passed(at, g, y), a, b), dst); });
  for_each(count, [&](auto at) HWY_ATTR {
    at.store(hn::NegMulAdd(hn::Sub(at.load(x), m), c, hn::MulSub(passed(at, g, y), a, b)), dst);
  });
}

void normalize_each_f32(const float* x, float mean, float scale, const float* weight, const float* bias, float* dst,
                        std::int64_t count, bool streamed) {
  const V m = hn::Set(D(), mean), a = hn::Set(D(), scale);
  for_each_of(dst, streamed, count, [&](auto at) HWY_ATTR {
    const V normal = hn::Mul(hn::Sub(at.load(x), m), a);
    at.store(hn::MulAdd(normal, at.load_or(weight, 1), at.load_or(bias, 0)), dst);
  });
}

Sums<float> sums_each_f32(const float* g, const float* x, float mean, float scale, const float* weight,
                          float* diff_weight, float* diff_bias, std::int64_t count) {
  const V m = hn::Set(D(), mean), a = hn::Set(D(), scale);
  return total(count, [&](auto at, V& s, V& t) HWY_ATTR {
    const V v = at.load(g), distance = hn::Sub(at.load(x), m), weighted = hn::Mul(v, at.load_or(weight, 1));
    s = hn::Add(s, weighted);
    t = hn::MulAdd(weighted, distance, t);
    if (diff_weight != nullptr) at.store(hn::MulAdd(v, hn::Mul(distance, a), at.load(diff_weight)), diff_weight);
    if (diff_bias != nullptr) at.store(hn::Add(v, at.load(diff_bias)), diff_bias);
  });
}

void sums_each_of_four_f32(const float* g, const float* x, const float* means, const float* scales, const float* weight,
                           float* diff_weight, float* diff_bias, std::int64_t count, Sums<float>* sums) {
  const auto of = [](const float* from, int k) HWY_ATTR { return hn::Set(D(), from == nullptr ? 0 : from[k]); };
  const V m0 = of(means, 0), m1 = of(means, 1), m2 = of(means, 2), m3 = of(means, 3);
  const V a0 = of(scales, 0), a1 = of(scales, 1), a2 = of(scales, 2), a3 = of(scales, 3);
  V s0 = hn::Zero(D()), s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
  for_each(count, [&](auto at) HWY_ATTR {
    const V w = at.load_or(weight, 1);
    V of_weight = hn::Zero(D()), of_bias = of_weight;
    const auto take = [&](std::int64_t k, V m, V a, V& s, V& t) HWY_ATTR {
      const V v = at.load(g + k * count), distance = hn::Sub(at.load(x + k * count), m), weighted = hn::Mul(v, w);
      s = hn::Add(s, weighted);
      t = hn::MulAdd(weighted, distance, t);
      of_weight = hn::MulAdd(v, hn::Mul(distance, a), of_weight);
      of_bias = hn::Add(of_bias, v);
    };
    take(0, m0, a0, s0, t0);
    take(1, m1, a1, s1, t1);
    take(2, m2, a2, s2, t2);
    take(3, m3, a3, s3, t3);
    if (diff_weight != nullptr) at.store(hn::Add(at.load(diff_weight), of_weight), diff_weight);
    if (diff_bias != nullptr) at.store(hn::Add(at.load(diff_bias), of_bias), diff_bias);
  });
  const auto all = [](V v) HWY_ATTR { return hn::GetLane(hn::SumOfLanes(D(), v)); };
  sums[0] = {all(s0), all(t0)};
  sums[1] = {all(s1), all(t1)};
  sums[2] = {all(s2), all(t2)};
  sums[3] = {all(s3), all(t3)};
}

void gradient_each_f32(const float* g, const float* x, const float* weight, Gradient<float> by, float* dst,
                       std::int64_t count, bool streamed) {
  const V m = hn::Set(D(), by.mean), a = hn::Set(D(), by.scale), b = hn::Set(D(), by.shift), c = hn::Set(D(), by.slope);
  for_each_of(dst, streamed, count, [&](auto at) HWY_ATTR {
    const V weighted = hn::Mul(at.load(g), at.load_or(weight, 1));
    // Rounded as b was, not fused: where all of a row are equal, the gradient is to be 0.
    at.store(hn::NegMulAdd(hn::Sub(at.load(x), m), c, hn::Sub(hn::Mul(weighted, a), b)), dst);
  });
}

// What can be dispatched, for f32 and for bf16.

Moments<float> moments_f32(const float* x, std::int64_t count) { return moments_of(x, count); }
void normalize_f32(const float* x, float mean, float scale, float shift, bool relu, float* dst, std::int64_t count) {
  normalize_to(x, mean, scale, shift, relu, dst, count);
}
Sums<float> sums_f32(const float* g, const float* x, const float* y, float mean, std::int64_t count) {
  return sums_of(g, x, y, mean, count);
}
void gradient_f32(const float* g, const float* x, const float* y, Gradient<float> by, float* dst, std::int64_t count) {
  gradient_to(g, x, y, by, dst, count);
}

Moments<float> moments_bf16(const BFloat16* x, std::int64_t count) { return moments_of(x, count); }
void normalize_bf16(const BFloat16* x, float mean, float scale, float shift, bool relu, BFloat16* dst,
                    std::int64_t count) {
  normalize_to(x, mean, scale, shift, relu, dst, count);
}
Sums<float> sums_bf16(const BFloat16* g, const BFloat16* x, const BFloat16* y, float mean, std::int64_t count) {
  return sums_of(g, x, y, mean, count);
}
void gradient_bf16(const BFloat16* g, const BFloat16* x, const BFloat16* y, Gradient<float> by, BFloat16* dst,
                   std::int64_t count) {
  gradient_to(g, x, y, by, dst, count);
}

}  // namespace dagrad::norm_lines::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

namespace dagrad::norm_lines {

HWY_EXPORT(moments_f32);
HWY_EXPORT(moments_bf16);
HWY_EXPORT(squares_f32);
HWY_EXPORT(normalize_f32);
HWY_EXPORT(normalize_bf16);
HWY_EXPORT(sums_f32);
HWY_EXPORT(sums_bf16);
HWY_EXPORT(gradient_f32);
HWY_EXPORT(gradient_bf16);
HWY_EXPORT(normalize_each_f32);
HWY_EXPORT(sums_each_f32);
HWY_EXPORT(sums_each_of_four_f32);
HWY_EXPORT(gradient_each_f32);

namespace {

constexpr std::int64_t kBlock = 4096;

template <class T>
T* part(T* from, std::int64_t begin) {
  return from == nullptr ? from : from + begin;
}

/// The sums of f(begin, count) over blocks.
template <class F>
Sums<float> sums_of_blocks(std::int64_t count, const F& f) {
  if (count <= kBlock) return f(0, count);
  double g = 0, gx = 0;
  for (std::int64_t i = 0; i < count; i += kBlock) {
    const Sums<float> block = f(i, std::min(kBlock, count - i));
    g += static_cast<double>(block.g);
    gx += static_cast<double>(block.gx);
  }
  return {static_cast<float>(g), static_cast<float>(gx)};
}

template <class X, class Block>
Moments<float> moments_by(Block block, const X* x, std::int64_t count) {
  if (count <= kBlock) return block(x, count);
  // Chan, Golub and LeVeque 1979: the distance of the means adds to the squares.
  double mean = 0, squares = 0;
  for (std::int64_t i = 0; i < count; i += kBlock) {
    const std::int64_t size = std::min(kBlock, count - i);
    const Moments<float> next = block(x + i, size);
    const double share = static_cast<double>(size) / static_cast<double>(i + size);
    const double distance = static_cast<double>(next.mean) - mean;
    mean += share * distance;
    squares += static_cast<double>(next.squares) + distance * distance * share * static_cast<double>(i);
  }
  return {static_cast<float>(mean), static_cast<float>(squares)};
}

}  // namespace

float squares(const float* x, std::int64_t count) {
  const auto block = HWY_DYNAMIC_DISPATCH(squares_f32);
  return sums_of_blocks(count, [&](std::int64_t i, std::int64_t size) { return Sums<float>{block(x + i, size), 0}; }).g;
}

void normalize_each(const float* x, float mean, float scale, const float* weight, const float* bias, float* dst,
                    std::int64_t count, bool streamed) {
  HWY_DYNAMIC_DISPATCH(normalize_each_f32)(x, mean, scale, weight, bias, dst, count, streamed);
}

Sums<float> sums_each(const float* g, const float* x, float mean, float scale, const float* weight, float* diff_weight,
                      float* diff_bias, std::int64_t count) {
  const auto block = HWY_DYNAMIC_DISPATCH(sums_each_f32);
  return sums_of_blocks(count, [&](std::int64_t i, std::int64_t size) {
    return block(g + i, x + i, mean, scale, part(weight, i), part(diff_weight, i), part(diff_bias, i), size);
  });
}

std::array<Sums<float>, 4> sums_each_of_four(const float* g, const float* x, const float* means, const float* scales,
                                             const float* weight, float* diff_weight, float* diff_bias,
                                             std::int64_t count) {
  std::array<Sums<float>, 4> result;
  if (count <= kBlock) {
    HWY_DYNAMIC_DISPATCH(sums_each_of_four_f32)
    (g, x, means, scales, weight, diff_weight, diff_bias, count, result.data());
    return result;
  }
  for (std::size_t k = 0; k < 4; ++k, g += count, x += count)
    result[k] = sums_each(g, x, means == nullptr ? 0 : means[k], scales[k], weight, diff_weight, diff_bias, count);
  return result;
}

void gradient_each(const float* g, const float* x, const float* weight, Gradient<float> by, float* dst,
                   std::int64_t count, bool streamed) {
  HWY_DYNAMIC_DISPATCH(gradient_each_f32)(g, x, weight, by, dst, count, streamed);
}

void finish_streaming() { hwy::FlushStream(); }

// --- f32 ---

Moments<float> moments(const float* x, std::int64_t count) {
  return moments_by(HWY_DYNAMIC_DISPATCH(moments_f32), x, count);
}
void normalize(const float* x, float mean, float scale, float shift, bool relu, float* dst, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(normalize_f32)(x, mean, scale, shift, relu, dst, count);
}
Sums<float> sums(const float* g, const float* x, const float* y, float mean, std::int64_t count) {
  const auto block = HWY_DYNAMIC_DISPATCH(sums_f32);
  return sums_of_blocks(count,
                        [&](std::int64_t i, std::int64_t size) { return block(g + i, x + i, part(y, i), mean, size); });
}
void gradient(const float* g, const float* x, const float* y, Gradient<float> by, float* dst, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(gradient_f32)(g, x, y, by, dst, count);
}

// --- bf16 ---

Moments<float> moments(const BFloat16* x, std::int64_t count) {
  return moments_by(HWY_DYNAMIC_DISPATCH(moments_bf16), x, count);
}
void normalize(const BFloat16* x, float mean, float scale, float shift, bool relu, BFloat16* dst, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(normalize_bf16)(x, mean, scale, shift, relu, dst, count);
}
Sums<float> sums(const BFloat16* g, const BFloat16* x, const BFloat16* y, float mean, std::int64_t count) {
  const auto block = HWY_DYNAMIC_DISPATCH(sums_bf16);
  return sums_of_blocks(count,
                        [&](std::int64_t i, std::int64_t size) { return block(g + i, x + i, part(y, i), mean, size); });
}
void gradient(const BFloat16* g, const BFloat16* x, const BFloat16* y, Gradient<float> by, BFloat16* dst,
              std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(gradient_bf16)(g, x, y, by, dst, count);
}

}  // namespace dagrad::norm_lines
#endif
