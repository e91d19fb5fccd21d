#include "dagrad/ops/norm_lines.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/norm_lines.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::norm_lines::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// A whole vector's worth of elements from i on.
struct Full {
  std::int64_t i;

  HWY_INLINE V load(const float* from) const { return hn::LoadU(D(), from + i); }
  HWY_INLINE V load_or(const float* from, float otherwise) const {
    return from == nullptr ? hn::Set(D(), otherwise) : load(from);
  }
  HWY_INLINE void store(V v, float* to) const { hn::StoreU(v, D(), to + i); }
  HWY_INLINE V keep(V v) const { return v; }
};

/// The last elements, fewer than a vector's.
struct Tail {
  std::int64_t i;
  std::size_t count;

  HWY_INLINE hn::Mask<D> mask() const { return hn::FirstN(D(), count); }
  HWY_INLINE V load(const float* from) const { return hn::MaskedLoad(mask(), D(), from + i); }
  HWY_INLINE V load_or(const float* from, float otherwise) const {
    return from == nullptr ? hn::Set(D(), otherwise) : load(from);
  }
  HWY_INLINE void store(V v, float* to) const { hn::BlendedStore(v, mask(), D(), to + i); }
  /// 0 in the lanes that are not there.
  HWY_INLINE V keep(V v) const { return hn::IfThenElseZero(mask(), v); }
};

/// Full, but past the caches.
struct Streamed : Full {
  HWY_INLINE void store(V v, float* to) const { hn::Stream(v, D(), to + i); }
};

/// f(Full or Tail) for all elements.
template <class F>
HWY_INLINE void for_each(std::int64_t count, const F& f) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) f(Full{i});
  if (i < count) f(Tail{i, static_cast<std::size_t>(count - i)});
}

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

/// g where the relu let it through.
template <class At>
HWY_INLINE V passed(At at, const float* g, const float* y) {
  const V v = at.load(g);
  return y == nullptr ? v : hn::IfThenElseZero(hn::Gt(at.load(y), hn::Zero(D())), v);
}

/// Not Max, which would lose a NaN.
HWY_INLINE V above_zero(V v) { return hn::IfThenElse(hn::Lt(v, hn::Zero(D())), hn::Zero(D()), v); }

// Each kernel of a line, for at most 4096 elements where it adds up.

Moments<float> moments_f32(const float* x, std::int64_t count) {
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

void normalize_f32(const float* x, float mean, float scale, float shift, bool relu, float* dst, std::int64_t count) {
  const V m = hn::Set(D(), mean), a = hn::Set(D(), scale), b = hn::Set(D(), shift);
  if (relu)
    for_each(count, [&](auto at) HWY_ATTR { at.store(above_zero(hn::MulAdd(hn::Sub(at.load(x), m), a, b)), dst); });
  else
    for_each(count, [&](auto at) HWY_ATTR { at.store(hn::MulAdd(hn::Sub(at.load(x), m), a, b), dst); });
}

Sums<float> sums_f32(const float* g, const float* x, const float* y, float mean, std::int64_t count) {
  const V m = hn::Set(D(), mean);
  return total(count, [&](auto at, V& s, V& t) HWY_ATTR {
    const V v = passed(at, g, y);  // 0 beyond the end
    s = hn::Add(s, v);
    t = hn::MulAdd(v, hn::Sub(at.load(x), m), t);
  });
}

void gradient_f32(const float* g, const float* x, const float* y, Gradient<float> by, float* dst, std::int64_t count) {
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

/// dst[j] = sum over the rows of f(row, Full or Tail), four rows at a time: to load and store dst costs more than f.
template <class F>
HWY_INLINE void sum_rows(Size size, float* dst, const F& f) {
  std::int64_t row = 0;
  for_each(size.columns, [&](auto at) HWY_ATTR { at.store(hn::Zero(D()), dst); });
  for (; row + 4 <= size.rows; row += 4) {
    for_each(size.columns, [&](auto at) HWY_ATTR {
      const V two = hn::Add(f(row, at), f(row + 1, at)), more = hn::Add(f(row + 2, at), f(row + 3, at));
      at.store(hn::Add(at.load(dst), hn::Add(two, more)), dst);
    });
  }
  for (; row < size.rows; ++row)
    for_each(size.columns, [&](auto at) HWY_ATTR { at.store(hn::Add(at.load(dst), f(row, at)), dst); });
}

void column_moments_f32(const float* x, Size size, float* mean, float* squares) {
  const std::int64_t columns = size.columns;
  sum_rows(size, mean, [&](std::int64_t row, auto at) HWY_ATTR { return at.load(x + row * columns); });
  const V count = hn::Set(D(), static_cast<float>(size.rows));
  for_each(columns, [&](auto at) HWY_ATTR { at.store(hn::Div(at.load(mean), count), mean); });
  sum_rows(size, squares, [&](std::int64_t row, auto at) HWY_ATTR {
    const V d = hn::Sub(at.load(x + row * columns), at.load(mean));
    return hn::Mul(d, d);
  });
}

void column_sums_f32(const float* g, const float* x, const float* y, const float* mean, Size size, float* sum_g,
                     float* sum_gx) {
  const std::int64_t columns = size.columns;
  const auto clear = [&](auto at) HWY_ATTR {
    at.store(hn::Zero(D()), sum_g);
    at.store(hn::Zero(D()), sum_gx);
  };
  for_each(columns, clear);
  const auto row_of = [&](const float* from, std::int64_t row)
                          HWY_ATTR { return from == nullptr ? from : from + row * columns; };
  std::int64_t row = 0;
  for (; row + 2 <= size.rows; row += 2) {
    for_each(columns, [&](auto at) HWY_ATTR {
      const V m = at.load(mean);
      const V a = passed(at, row_of(g, row), row_of(y, row)), b = passed(at, row_of(g, row + 1), row_of(y, row + 1));
      at.store(hn::Add(at.load(sum_g), hn::Add(a, b)), sum_g);
      const V first = hn::MulAdd(a, hn::Sub(at.load(row_of(x, row)), m), at.load(sum_gx));
      at.store(hn::MulAdd(b, hn::Sub(at.load(row_of(x, row + 1)), m), first), sum_gx);
    });
  }
  if (row == size.rows) return;
  for_each(columns, [&](auto at) HWY_ATTR {
    const V a = passed(at, row_of(g, row), row_of(y, row));
    at.store(hn::Add(at.load(sum_g), a), sum_g);
    at.store(hn::MulAdd(a, hn::Sub(at.load(row_of(x, row)), at.load(mean)), at.load(sum_gx)), sum_gx);
  });
}

void normalize_columns_f32(const float* x, const float* mean, const float* scale, const float* shift, bool relu,
                           float* dst, Size size) {
  for (std::int64_t row = 0; row < size.rows; ++row, x += size.columns, dst += size.columns) {
    const auto value = [&](auto at) HWY_ATTR {
      return hn::MulAdd(hn::Sub(at.load(x), at.load(mean)), at.load(scale), at.load(shift));
    };
    if (relu)
      for_each(size.columns, [&](auto at) HWY_ATTR { at.store(above_zero(value(at)), dst); });
    else
      for_each(size.columns, [&](auto at) HWY_ATTR { at.store(value(at), dst); });
  }
}

void gradient_columns_f32(const float* g, const float* x, const float* y, const float* mean, const float* scale,
                          const float* shift, const float* slope, float* dst, Size size) {
  for (std::int64_t row = 0; row < size.rows; ++row, g += size.columns, x += size.columns, dst += size.columns) {
    if (slope == nullptr)
      for_each(size.columns, [&](auto at) HWY_ATTR { at.store(hn::Mul(passed(at, g, y), at.load(scale)), dst); });
    else
      for_each(size.columns, [&](auto at) HWY_ATTR {
        const V shifted = hn::MulSub(passed(at, g, y), at.load(scale), at.load(shift));
        at.store(hn::NegMulAdd(hn::Sub(at.load(x), at.load(mean)), at.load(slope), shifted), dst);
      });
    if (y != nullptr) y += size.columns;
  }
}

}  // namespace dagrad::norm_lines::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

namespace dagrad::norm_lines {

HWY_EXPORT(moments_f32);
HWY_EXPORT(squares_f32);
HWY_EXPORT(normalize_f32);
HWY_EXPORT(sums_f32);
HWY_EXPORT(gradient_f32);
HWY_EXPORT(normalize_each_f32);
HWY_EXPORT(sums_each_f32);
HWY_EXPORT(sums_each_of_four_f32);
HWY_EXPORT(gradient_each_f32);
HWY_EXPORT(column_moments_f32);
HWY_EXPORT(column_sums_f32);
HWY_EXPORT(normalize_columns_f32);
HWY_EXPORT(gradient_columns_f32);

namespace {

constexpr std::int64_t kBlock = 4096;

const float* part(const float* from, std::int64_t begin) { return from == nullptr ? from : from + begin; }
float* part(float* from, std::int64_t begin) { return from == nullptr ? from : from + begin; }

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

}  // namespace

Moments<float> moments(const float* x, std::int64_t count) {
  const auto block = HWY_DYNAMIC_DISPATCH(moments_f32);
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

float squares(const float* x, std::int64_t count) {
  const auto block = HWY_DYNAMIC_DISPATCH(squares_f32);
  return sums_of_blocks(count, [&](std::int64_t i, std::int64_t size) { return Sums<float>{block(x + i, size), 0}; }).g;
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

void column_moments(const float* x, Size size, float* mean, float* squares) {
  HWY_DYNAMIC_DISPATCH(column_moments_f32)(x, size, mean, squares);
}

void column_sums(const float* g, const float* x, const float* y, const float* mean, Size size, float* sum_g,
                 float* sum_gx) {
  HWY_DYNAMIC_DISPATCH(column_sums_f32)(g, x, y, mean, size, sum_g, sum_gx);
}

void normalize_columns(const float* x, const float* mean, const float* scale, const float* shift, bool relu, float* dst,
                       Size size) {
  HWY_DYNAMIC_DISPATCH(normalize_columns_f32)(x, mean, scale, shift, relu, dst, size);
}

void gradient_columns(const float* g, const float* x, const float* y, const float* mean, const float* scale,
                      const float* shift, const float* slope, float* dst, Size size) {
  HWY_DYNAMIC_DISPATCH(gradient_columns_f32)(g, x, y, mean, scale, shift, slope, dst, size);
}

}  // namespace dagrad::norm_lines
#endif
