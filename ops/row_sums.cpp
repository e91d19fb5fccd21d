#include "dagrad/ops/row_sums.h"

#include <type_traits>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/row_sums.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/core/float_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::row_sums::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using float_lanes::HWY_NAMESPACE::D32;
using float_lanes::HWY_NAMESPACE::V32;

HWY_INLINE const float* lanes(const float* p) { return p; }
HWY_INLINE float* lanes(float* p) { return p; }
HWY_INLINE const std::uint16_t* lanes(const BFloat16* p) { return reinterpret_cast<const std::uint16_t*>(p); }
HWY_INLINE std::uint16_t* lanes(BFloat16* p) { return reinterpret_cast<std::uint16_t*>(p); }

constexpr std::int64_t kMostRows = 6;

/// kVectors vectors of kRows rows of dst, whose sums stay in registers.
template <class T, class Out, int kRows, int kVectors>
HWY_INLINE void tile(const Job<T, Out>& job, std::int64_t column) {
  constexpr std::int64_t kAhead = 8;  // rows: the processor fetches no run that ends so soon by itself
  const auto width = static_cast<std::int64_t>(hn::Lanes(D32()));
  V32 sums[kRows][kVectors];
  const T* a[kRows];
  for (int i = 0; i < kRows; ++i) a[i] = job.a + i * job.a_row;
  HWY_UNROLL(8)
  for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::Zero(D32());
  }
  const T* b = job.b + column;
  std::int64_t at = 0;
  for (std::int64_t k = 0; k < job.inner; ++k, b += job.b_row, at += job.a_column) {
    V32 factor[kRows];
    HWY_UNROLL(8)
    for (int i = 0; i < kRows; ++i) factor[i] = hn::Set(D32(), static_cast<float>(a[i][at]));
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v) {
      __builtin_prefetch(b + kAhead * job.b_row + v * width);
      const V32 row = float_lanes::HWY_NAMESPACE::load(lanes(b + v * width));
      HWY_UNROLL(8)
      for (int i = 0; i < kRows; ++i) sums[i][v] = hn::MulAdd(factor[i], row, sums[i][v]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(16)
    for (int v = 0; v < kVectors; ++v)
      float_lanes::HWY_NAMESPACE::store(sums[i][v], lanes(job.dst + i * job.dst_row + column + v * width));
  }
}

template <class T, class Out, int kRows>
void run_rows(const Job<T, Out>& job) {
  constexpr int kRegisters = HWY_MAX_BYTES >= 64 ? 24 : 8;
  constexpr int kVectors = kRows == 1 ? kRegisters / 3 * 2 : kRegisters / kRows;
  const auto width = static_cast<std::int64_t>(hn::Lanes(D32()));
  std::int64_t j = 0;
  for (; j + kVectors * width <= job.columns; j += kVectors * width) tile<T, Out, kRows, kVectors>(job, j);
  if constexpr (kVectors > 4) {
    for (; j + 4 * width <= job.columns; j += 4 * width) tile<T, Out, kRows, 4>(job, j);
  }
  for (; j + width <= job.columns; j += width) tile<T, Out, kRows, 1>(job, j);
  if (j < job.columns) tile<T, Out, kRows, 1>(job, job.columns - width);  // some once more
}

template <class T, class Out>
void run_typed(const Job<T, Out>& job) {
  // Even groups: 5 and 5 rows rather than 6 and 4.
  const std::int64_t groups = (job.rows + kMostRows - 1) / kMostRows;
  for (std::int64_t group = 0; group < groups; ++group) {
    const std::int64_t first = job.rows * group / groups;
    Job<T, Out> some = job;
    some.rows = job.rows * (group + 1) / groups - first;
    some.a += first * job.a_row;
    some.dst += first * job.dst_row;
    switch (some.rows) {
      case 1: run_rows<T, Out, 1>(some); break;
      case 2: run_rows<T, Out, 2>(some); break;
      case 3: run_rows<T, Out, 3>(some); break;
      case 4: run_rows<T, Out, 4>(some); break;
      case 5: run_rows<T, Out, 5>(some); break;
      default: run_rows<T, Out, 6>(some); break;
    }
  }
}

void run_f32(const Job<float, float>& job) { run_typed(job); }
void run_bf16(const Job<BFloat16, BFloat16>& job) { run_typed(job); }
void run_bf16_f32(const Job<BFloat16, float>& job) { run_typed(job); }

}  // namespace dagrad::row_sums::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::row_sums {
namespace {

HWY_EXPORT(run_f32);
HWY_EXPORT(run_bf16);
HWY_EXPORT(run_bf16_f32);

}  // namespace

void run(const Job<float, float>& job) { HWY_DYNAMIC_DISPATCH(run_f32)(job); }
void run(const Job<BFloat16, BFloat16>& job) { HWY_DYNAMIC_DISPATCH(run_bf16)(job); }
void run(const Job<BFloat16, float>& job) { HWY_DYNAMIC_DISPATCH(run_bf16_f32)(job); }

}  // namespace dagrad::row_sums
#endif
