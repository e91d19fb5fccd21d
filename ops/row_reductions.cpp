#include "dagrad/ops/row_reductions.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/row_reductions.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace dagrad::rows::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// At most 4096 elements: four accumulators of vectors, then their lanes.
float sum_block(const float* x, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    s0 = hn::Add(s0, hn::LoadU(d, x + i));
    s1 = hn::Add(s1, hn::LoadU(d, x + i + lanes));
    s2 = hn::Add(s2, hn::LoadU(d, x + i + 2 * lanes));
    s3 = hn::Add(s3, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= count; i += lanes) s0 = hn::Add(s0, hn::LoadU(d, x + i));
  if (i < count) s1 = hn::Add(s1, hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count - i)), d, x + i));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

float max_f32(const float* x, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto largest = hn::Set(d, x[0]), odd = hn::Zero(d);  // `odd` becomes NaN where an element is
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    largest = hn::Max(largest, v);
    odd = hn::Add(odd, hn::Sub(v, v));
  }
  float result = hn::GetLane(hn::MaxOfLanes(d, largest));
  bool has_nan = !hn::AllFalse(d, hn::IsNaN(odd));
  for (; i < count; ++i) {
    has_nan |= x[i] != x[i];
    if (x[i] > result) result = x[i];
  }
  if (!has_nan) return result;
  // inf - inf is NaN as well: look again, element by element.
  for (i = 0; i < count; ++i) {
    if (x[i] != x[i]) return x[i];
  }
  result = x[0];
  for (i = 1; i < count; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

}  // namespace dagrad::rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>

namespace dagrad::rows {

HWY_EXPORT(sum_block);
HWY_EXPORT(max_f32);

namespace {
constexpr std::int64_t kBlock = 4096;
}

float sum(const float* x, std::int64_t count) {
  const auto block = HWY_DYNAMIC_DISPATCH(sum_block);
  if (count <= kBlock) return block(x, count);
  double total = 0;
  for (std::int64_t i = 0; i < count; i += kBlock)
    total += static_cast<double>(block(x + i, std::min(kBlock, count - i)));
  return static_cast<float>(total);
}

double sum(const double* x, std::int64_t count) {
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) total += x[i];
  return total;
}

std::int64_t sum(const std::int64_t* x, std::int64_t count) {
  std::uint64_t total = 0;  // overflow wraps, as in NumPy
  for (std::int64_t i = 0; i < count; ++i) total += static_cast<std::uint64_t>(x[i]);
  return static_cast<std::int64_t>(total);
}

float max(const float* x, std::int64_t count) { return HWY_DYNAMIC_DISPATCH(max_f32)(x, count); }

double max(const double* x, std::int64_t count) {
  double largest = x[0];
  for (std::int64_t i = 1; i < count; ++i) {
    if (x[i] > largest || std::isnan(x[i])) largest = x[i];
    if (std::isnan(largest)) return largest;
  }
  return largest;
}

std::int64_t max(const std::int64_t* x, std::int64_t count) { return *std::max_element(x, x + count); }

}  // namespace dagrad::rows
#endif
