#include "dagrad/ops/softmax_rows.h"

#include <cmath>
#include <limits>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/softmax_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/ops/pointwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::softmax_rows::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using Math = pointwise::HWY_NAMESPACE::VectorMath<D>;

/// The first `count` lanes of x, and `filler` in the others.
HWY_INLINE hn::Vec<D> load_tail(D d, const float* x, std::int64_t count, float filler) {
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(count));
  return hn::IfThenElse(tail, hn::MaskedLoad(tail, d, x), hn::Set(d, filler));
}

LogSum<float> log_sum_exp_f32(const float* x, std::int64_t count) {
  const D d;
  const Math m{d};
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const float lowest = -std::numeric_limits<float>::infinity();
  auto largest = hn::Set(d, lowest);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) largest = hn::Max(largest, hn::LoadU(d, x + i));
  if (i < count) largest = hn::Max(largest, load_tail(d, x + i, count - i, lowest));
  const float top = hn::GetLane(hn::MaxOfLanes(d, largest));
  // Of nothing but -inf the sum is 0; a +inf makes the result NaN below, as inf - inf does.
  if (top == lowest) {
    for (i = 0; i < count; ++i) {
      if (std::isnan(x[i])) return {x[i], 0};
    }
    return {lowest, 0};
  }
  const auto shift = hn::Set(d, top);
  auto total = hn::Zero(d);
  for (i = 0; i + lanes <= count; i += lanes)
    total = hn::Add(total, m.exp_of_negative(hn::Sub(hn::LoadU(d, x + i), shift)));
  if (i < count) total = hn::Add(total, m.exp_of_negative(hn::Sub(load_tail(d, x + i, count - i, lowest), shift)));
  return {top, std::log(hn::GetLane(hn::SumOfLanes(d, total)))};
}

template <class F>
HWY_INLINE void map(const float* x, float* dst, std::int64_t count, F f) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, dst + i);
  if (i == count) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(count - i));
  hn::BlendedStore(f(hn::MaskedLoad(tail, d, x + i)), tail, d, dst + i);
}

void subtract_f32(const float* x, LogSum<float> sum, float* dst, std::int64_t count) {
  const D d;
  const auto top = hn::Set(d, sum.top), log = hn::Set(d, sum.log);
  map(x, dst, count, [&](hn::Vec<D> v) HWY_ATTR { return hn::Sub(hn::Sub(v, top), log); });
}

void scaled_exp_f32(const float* x, LogSum<float> sum, float scale, float* dst, std::int64_t count) {
  const D d;
  const Math m{d};
  const auto top = hn::Set(d, sum.top), log = hn::Set(d, sum.log), scales = hn::Set(d, scale);
  map(x, dst, count,
      [&](hn::Vec<D> v) HWY_ATTR { return hn::Mul(scales, m.exp_of_negative(hn::Sub(hn::Sub(v, top), log))); });
}

void softmax_backward_f32(const float* g, const float* y, float* dst, std::int64_t count) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(count % lanes));
  auto total = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) total = hn::MulAdd(hn::LoadU(d, g + i), hn::LoadU(d, y + i), total);
  if (i < count) total = hn::MulAdd(hn::MaskedLoad(tail, d, g + i), hn::MaskedLoad(tail, d, y + i), total);
  const auto sum = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, total)));
  for (i = 0; i + lanes <= count; i += lanes) {
    const auto difference = hn::Sub(hn::LoadU(d, g + i), sum);
    hn::StoreU(hn::Mul(hn::LoadU(d, y + i), difference), d, dst + i);
  }
  if (i == count) return;
  const auto difference = hn::Sub(hn::MaskedLoad(tail, d, g + i), sum);
  hn::BlendedStore(hn::Mul(hn::MaskedLoad(tail, d, y + i), difference), tail, d, dst + i);
}

float sum_below_f32(const float* x, float top, const float* weight, std::int64_t count) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto from = hn::Set(d, top), zero = hn::Zero(d);
  auto total = zero;
  std::int64_t i = 0;
  if (weight == nullptr) {
    for (; i + lanes <= count; i += lanes) total = hn::Add(total, hn::Sub(from, hn::LoadU(d, x + i)));
    if (i < count) total = hn::Add(total, hn::Sub(from, load_tail(d, x + i, count - i, top)));
  } else {
    const auto weigh = [&](hn::Vec<D> w, hn::Vec<D> v)
                           HWY_ATTR { return hn::IfThenElse(hn::Eq(w, zero), zero, hn::Mul(w, hn::Sub(from, v))); };
    for (; i + lanes <= count; i += lanes) total = hn::Add(total, weigh(hn::LoadU(d, weight + i), hn::LoadU(d, x + i)));
    if (i < count) {
      total = hn::Add(total, weigh(load_tail(d, weight + i, count - i, 0), load_tail(d, x + i, count - i, top)));
    }
  }
  return hn::GetLane(hn::SumOfLanes(d, total));
}

}  // namespace dagrad::softmax_rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <limits>

namespace dagrad::softmax_rows {

HWY_EXPORT(log_sum_exp_f32);
HWY_EXPORT(subtract_f32);
HWY_EXPORT(scaled_exp_f32);
HWY_EXPORT(softmax_backward_f32);
HWY_EXPORT(sum_below_f32);

LogSum<float> log_sum_exp(const float* x, std::int64_t count) {
  return HWY_DYNAMIC_DISPATCH(log_sum_exp_f32)(x, count);
}
void subtract(const float* x, LogSum<float> sum, float* dst, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(subtract_f32)(x, sum, dst, count);
}
void scaled_exp(const float* x, LogSum<float> sum, float scale, float* dst, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(scaled_exp_f32)(x, sum, scale, dst, count);
}
void softmax_backward(const float* g, const float* y, float* dst, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(softmax_backward_f32)(g, y, dst, count);
}
void softmax_backward(const double* g, const double* y, double* dst, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += g[i] * y[i];
  for (std::int64_t i = 0; i < count; ++i) dst[i] = y[i] * (g[i] - sum);
}
float sum_below(const float* x, float top, const float* weight, std::int64_t count) {
  return HWY_DYNAMIC_DISPATCH(sum_below_f32)(x, top, weight, count);
}

LogSum<double> log_sum_exp(const double* x, std::int64_t count) {
  double top = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < count; ++i) top = std::isnan(x[i]) || x[i] > top ? x[i] : top;
  if (std::isnan(top) || (std::isinf(top) && top < 0)) return {top, 0};
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) total += std::exp(x[i] - top);
  return {top, std::log(total)};
}
void subtract(const double* x, LogSum<double> sum, double* dst, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) dst[i] = x[i] - sum.top - sum.log;
}
void scaled_exp(const double* x, LogSum<double> sum, double scale, double* dst, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) dst[i] = scale * std::exp(x[i] - sum.top - sum.log);
}

double sum_below(const double* x, double top, const double* weight, std::int64_t count) {
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double w = weight == nullptr ? 1 : weight[i];
    if (w != 0) total += w * (top - x[i]);
  }
  return total;
}

}  // namespace dagrad::softmax_rows
#endif
