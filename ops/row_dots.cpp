#include "dagrad/ops/row_dots.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/row_dots.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dagrad::row_dots::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Sums of a tile stay in registers: 20 of 32, or 8 of 16.
constexpr int kMany = HWY_MAX_BYTES >= 64 ? 4 : 2;
constexpr int kFew = HWY_MAX_BYTES >= 64 ? 5 : 4;

/// What is multiplied with one another at once: a vector of floats, or two bf16 for each of its lanes.
struct Floats {
  V v;
  HWY_INLINE void load(const float* p) { v = hn::LoadU(D(), p); }
  static HWY_INLINE V multiply_add(const Floats& a, const Floats& b, V sum) { return hn::MulAdd(a.v, b.v, sum); }
};
struct Pairs {
  V even, odd;
  using Wide = hn::RebindToUnsigned<D>;
  HWY_INLINE void split(hn::Vec<Wide> pairs) {  // bf16 is the upper half of an f32
    even = hn::BitCast(D(), hn::ShiftLeft<16>(pairs));
    odd = hn::BitCast(D(), hn::And(pairs, hn::Set(Wide(), 0xffff0000u)));
  }
  HWY_INLINE void load(const BFloat16* p) {
#if HWY_TARGET == HWY_SCALAR  // reads through the pointer, which has to be aligned there
    std::uint32_t pair = 0;
    std::memcpy(&pair, p, sizeof(pair));
    split(hn::Set(Wide(), pair));
#else
    split(hn::LoadU(Wide(), reinterpret_cast<const std::uint32_t*>(p)));
#endif
  }
  static HWY_INLINE V multiply_add(const Pairs& a, const Pairs& b, V sum) {
    return hn::MulAdd(a.odd, b.odd, hn::MulAdd(a.even, b.even, sum));
  }
};

template <class T, class Out, int kRows, int kColumns>
void tile(const Job<T, Out>& job, std::int64_t i0, std::int64_t j0) {
  constexpr bool kPaired = std::is_same_v<T, BFloat16>;
  using Words = std::conditional_t<kPaired, Pairs, Floats>;
  const D d;
  const auto width = static_cast<std::int64_t>(hn::Lanes(d)) * (kPaired ? 2 : 1);
  const T* a = job.many.data + i0 * job.many.step;
  const T* b = job.few.data + j0 * job.few.step;
  const std::int64_t a_step = job.many.step, b_step = job.few.step;
  V sums[kRows][kColumns];
  HWY_UNROLL(4)
  for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(5)
    for (int j = 0; j < kColumns; ++j) sums[i][j] = hn::Zero(d);
  }
  const auto add = [&](auto load) HWY_ATTR {
    Words left[kRows];
    HWY_UNROLL(4)
    for (int i = 0; i < kRows; ++i) load(left[i], a + i * a_step);
    HWY_UNROLL(5)
    for (int j = 0; j < kColumns; ++j) {
      Words right;
      load(right, b + j * b_step);
      HWY_UNROLL(4)
      for (int i = 0; i < kRows; ++i) sums[i][j] = Words::multiply_add(left[i], right, sums[i][j]);
    }
  };
  std::int64_t k = 0;
  for (; k + width <= job.inner; k += width) add([k](Words& to, const T* from) HWY_ATTR { to.load(from + k); });
  if (k < job.inner) {
    add([&job, k](Words& to, const T* from) HWY_ATTR {
      HWY_ALIGN std::array<T, HWY_MAX_BYTES / sizeof(T)> rest{};
      std::copy(from + k, from + job.inner, rest.begin());
      to.load(rest.data());
    });
  }
  Out* dst = job.dst + i0 * job.dst_many + j0 * job.dst_few;
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) {
      float sum = hn::GetLane(hn::SumOfLanes(d, sums[i][j]));
      if (job.shift != nullptr) sum += job.shift[(i0 + i) * job.shift_many + (j0 + j) * job.shift_few];
      if (job.relu && sum <= 0) sum = 0;
      dst[i * job.dst_many + j * job.dst_few] = Out(sum);
    }
  }
}

template <class T, class Out, int kRows>
HWY_INLINE void band(const Job<T, Out>& job, std::int64_t i) {
  // Even groups: 5 and 5 rather than 5, 4 and 1.
  const std::int64_t groups = (job.few.count + kFew - 1) / kFew;
  for (std::int64_t group = 0; group < groups; ++group) {
    const std::int64_t j = job.few.count * group / groups;
    switch (job.few.count * (group + 1) / groups - j) {
      case 5:
        if constexpr (kFew >= 5) tile<T, Out, kRows, 5>(job, i, j);
        break;
      case 4: tile<T, Out, kRows, 4>(job, i, j); break;
      case 3: tile<T, Out, kRows, 3>(job, i, j); break;
      case 2: tile<T, Out, kRows, 2>(job, i, j); break;
      default: tile<T, Out, kRows, 1>(job, i, j); break;
    }
  }
}

template <class T, class Out>
void run_typed(const Job<T, Out>& job) {
  std::int64_t i = 0;
  for (; i + kMany <= job.many.count; i += kMany) band<T, Out, kMany>(job, i);
  for (; i < job.many.count; ++i) band<T, Out, 1>(job, i);
}

void run_f32(const Job<float, float>& job) { run_typed(job); }
void run_bf16(const Job<BFloat16, BFloat16>& job) { run_typed(job); }
void run_bf16_f32(const Job<BFloat16, float>& job) { run_typed(job); }

}  // namespace dagrad::row_dots::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::row_dots {
namespace {

HWY_EXPORT(run_f32);
HWY_EXPORT(run_bf16);
HWY_EXPORT(run_bf16_f32);

}  // namespace

void run(const Job<float, float>& job) { HWY_DYNAMIC_DISPATCH(run_f32)(job); }
void run(const Job<BFloat16, BFloat16>& job) { HWY_DYNAMIC_DISPATCH(run_bf16)(job); }
void run(const Job<BFloat16, float>& job) { HWY_DYNAMIC_DISPATCH(run_bf16_f32)(job); }

}  // namespace dagrad::row_dots
#endif
