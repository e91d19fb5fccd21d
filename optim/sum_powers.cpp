#include "dagrad/optim/sum_powers.h"

#include <cmath>
#include <limits>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/optim/sum_powers.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::optim::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// As many elements as a vector of doubles has lanes.
template <class D>
HWY_INLINE hn::Vec<D> load(D d, const double* x) {
  return hn::LoadU(d, x);
}
template <class D>
HWY_INLINE hn::Vec<D> load(D d, const float* x) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
}

HWY_INLINE double as_double(double x) { return x; }
HWY_INLINE double as_double(float x) { return static_cast<double>(x); }

/// Adds `term(x)` up in four vectors, then the rest one by one.
template <class T, class Term>
HWY_INLINE double sum(const T* x, std::int64_t count, const Term& term) {
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    s0 = s0 + term(d, load(d, x + i));
    s1 = s1 + term(d, load(d, x + i + lanes));
    s2 = s2 + term(d, load(d, x + i + 2 * lanes));
    s3 = s3 + term(d, load(d, x + i + 3 * lanes));
  }
  double rest = 0;
  for (; i < count; ++i) rest += hn::GetLane(term(one, hn::Set(one, as_double(x[i]))));
  return hn::GetLane(hn::SumOfLanes(d, (s0 + s1) + (s2 + s3))) + rest;
}

template <class T>
HWY_INLINE double largest(const T* x, std::int64_t count) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto most = hn::Zero(d);
  auto nan = hn::IsNaN(most);  // nowhere
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::Abs(load(d, x + i));
    nan = hn::Or(nan, hn::IsNaN(v));
    most = hn::Max(most, v);
  }
  double result = hn::GetLane(hn::MaxOfLanes(d, hn::IfThenElse(nan, hn::Zero(d), most)));
  bool any_nan = !hn::AllFalse(d, nan);
  for (; i < count; ++i) {
    const double v = std::abs(as_double(x[i]));
    any_nan = any_nan || std::isnan(v);
    result = v > result ? v : result;
  }
  return any_nan ? std::numeric_limits<double>::quiet_NaN() : result;
}

template <class T>
HWY_INLINE double powers(const T* x, std::int64_t count, double p) {
  if (p == 2) return sum(x, count, [](auto, auto v) HWY_ATTR { return v * v; });
  if (p == 1) return sum(x, count, [](auto, auto v) HWY_ATTR { return hn::Abs(v); });
  if (std::isinf(p)) return largest(x, count);
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) total += std::pow(std::abs(as_double(x[i])), p);
  return total;
}

double powers_f32(const float* x, std::int64_t count, double p) { return powers(x, count, p); }
double powers_f64(const double* x, std::int64_t count, double p) { return powers(x, count, p); }

}  // namespace dagrad::optim::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::optim {

HWY_EXPORT(powers_f32);
HWY_EXPORT(powers_f64);

double sum_powers(const float* x, std::int64_t count, double p) {
  return HWY_DYNAMIC_DISPATCH(powers_f32)(x, count, p);
}
double sum_powers(const double* x, std::int64_t count, double p) {
  return HWY_DYNAMIC_DISPATCH(powers_f64)(x, count, p);
}
double sum_powers(const BFloat16* x, std::int64_t count, double p) {
  constexpr std::int64_t kPiece = 256;
  float piece[kPiece];
  double total = 0;
  for (std::int64_t i = 0; i < count; i += kPiece) {
    const std::int64_t n = count - i < kPiece ? count - i : kPiece;
    for (std::int64_t k = 0; k < n; ++k) piece[k] = static_cast<float>(x[i + k]);
    const double part = sum_powers(piece, n, p);
    if (!std::isinf(p))
      total += part;
    else if (!(part <= total))
      total = std::isnan(total) ? total : part;
  }
  return total;
}

}  // namespace dagrad::optim
#endif
