#include "dagrad/ops/norm_lines.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/norm_columns.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/ops/norm_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::norm_lines::HWY_NAMESPACE {

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

template <class X>
HWY_INLINE void column_moments_of(const X* x, Size size, float* mean, float* squares) {
  const std::int64_t columns = size.columns;
  sum_rows(size, mean, [&](std::int64_t row, auto at) HWY_ATTR { return at.load(x + row * columns); });
  const V count = hn::Set(D(), static_cast<float>(size.rows));
  for_each(columns, [&](auto at) HWY_ATTR { at.store(hn::Div(at.load(mean), count), mean); });
  sum_rows(size, squares, [&](std::int64_t row, auto at) HWY_ATTR {
    const V d = hn::Sub(at.load(x + row * columns), at.load(mean));
    return hn::Mul(d, d);
  });
}

template <class X>
HWY_INLINE void column_sums_of(const X* g, const X* x, const X* y, const float* mean, Size size, float* sum_g,
                               float* sum_gx) {
  const std::int64_t columns = size.columns;
  const auto clear = [&](auto at) HWY_ATTR {
    at.store(hn::Zero(D()), sum_g);
    at.store(hn::Zero(D()), sum_gx);
  };
  for_each(columns, clear);
  const auto row_of = [&](const X* from, std::int64_t row)
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

template <class X>
HWY_INLINE void normalize_columns_to(const X* x, const float* mean, const float* scale, const float* shift, bool relu,
                                     X* dst, Size size) {
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

template <class X>
HWY_INLINE void gradient_columns_to(const X* g, const X* x, const X* y, const float* mean, const float* scale,
                                    const float* shift, const float* slope, X* dst, Size size) {
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

// What can be dispatched, for f32 and for bf16.

void column_moments_f32(const float* x, Size size, float* mean, float* squares) {
  column_moments_of(x, size, mean, squares);
}
void column_sums_f32(const float* g, const float* x, const float* y, const float* mean, Size size, float* sum_g,
                     float* sum_gx) {
  column_sums_of(g, x, y, mean, size, sum_g, sum_gx);
}
void normalize_columns_f32(const float* x, const float* mean, const float* scale, const float* shift, bool relu,
                           float* dst, Size size) {
  normalize_columns_to(x, mean, scale, shift, relu, dst, size);
}
void gradient_columns_f32(const float* g, const float* x, const float* y, const float* mean, const float* scale,
                          const float* shift, const float* slope, float* dst, Size size) {
  gradient_columns_to(g, x, y, mean, scale, shift, slope, dst, size);
}
void column_moments_bf16(const BFloat16* x, Size size, float* mean, float* squares) {
  column_moments_of(x, size, mean, squares);
}
void column_sums_bf16(const BFloat16* g, const BFloat16* x, const BFloat16* y, const float* mean, Size size,
                      float* sum_g, float* sum_gx) {
  column_sums_of(g, x, y, mean, size, sum_g, sum_gx);
}
void normalize_columns_bf16(const BFloat16* x, const float* mean, const float* scale, const float* shift, bool relu,
                            BFloat16* dst, Size size) {
  normalize_columns_to(x, mean, scale, shift, relu, dst, size);
}
void gradient_columns_bf16(const BFloat16* g, const BFloat16* x, const BFloat16* y, const float* mean,
                           const float* scale, const float* shift, const float* slope, BFloat16* dst, Size size) {
  gradient_columns_to(g, x, y, mean, scale, shift, slope, dst, size);
}

}  // namespace dagrad::norm_lines::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::norm_lines {

HWY_EXPORT(column_moments_f32);
HWY_EXPORT(column_sums_f32);
HWY_EXPORT(normalize_columns_f32);
HWY_EXPORT(gradient_columns_f32);
HWY_EXPORT(column_moments_bf16);
HWY_EXPORT(column_sums_bf16);
HWY_EXPORT(normalize_columns_bf16);
HWY_EXPORT(gradient_columns_bf16);

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
void column_moments(const BFloat16* x, Size size, float* mean, float* squares) {
  HWY_DYNAMIC_DISPATCH(column_moments_bf16)(x, size, mean, squares);
}
void column_sums(const BFloat16* g, const BFloat16* x, const BFloat16* y, const float* mean, Size size, float* sum_g,
                 float* sum_gx) {
  HWY_DYNAMIC_DISPATCH(column_sums_bf16)(g, x, y, mean, size, sum_g, sum_gx);
}
void normalize_columns(const BFloat16* x, const float* mean, const float* scale, const float* shift, bool relu,
                       BFloat16* dst, Size size) {
  HWY_DYNAMIC_DISPATCH(normalize_columns_bf16)(x, mean, scale, shift, relu, dst, size);
}
void gradient_columns(const BFloat16* g, const BFloat16* x, const BFloat16* y, const float* mean, const float* scale,
                      const float* shift, const float* slope, BFloat16* dst, Size size) {
  HWY_DYNAMIC_DISPATCH(gradient_columns_bf16)(g, x, y, mean, scale, shift, slope, dst, size);
}

}  // namespace dagrad::norm_lines
#endif
