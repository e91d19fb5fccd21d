#include "dagrad/ops/pooling_kernels.h"

#include <array>
#include <vector>

#include "dagrad/core/copy.h"
#include "dagrad/core/parallel.h"

// As for the elementwise ops: SSE2, AVX2 and AVX-512.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/pooling_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/ops/pooling_rows-inl.h"

#ifndef DAGRAD_OPS_POOLING_JOB
#define DAGRAD_OPS_POOLING_JOB
namespace dagrad::pooling {

enum class Work { max, max_scatter, max_gather, sum, sum_scatter };

/// One call: `fine` has an element for each of the source's, `coarse` one for each window.
struct Job {
  Work work;
  const Windows& windows;
  DType dtype;
  DType numbers_dtype;
  std::int64_t channels;
  void* fine;
  void* coarse;
  void* numbers;
  const double* weights;
  bool first;          // a scatter finds nothing to add to
  bool floor = false;  // the largest of what is above 0
};

}  // namespace dagrad::pooling
#endif

HWY_BEFORE_NAMESPACE();
namespace dagrad::pooling::HWY_NAMESPACE {

/// Goes from window to window in row-major order. Inner windows share their taps, so that no more than a sum is worked
/// out for each.
class Walk {
 public:
  Walk(const Windows& windows, std::int64_t window)
      : windows_(windows), plane_(window / windows.out_volume()), at_(windows.position(window % windows.out_volume())) {
    const auto volume = static_cast<std::size_t>(windows.kernel_volume());
    inner_taps_.resize(volume);
    outer_taps_.resize(volume);
    while (axis_ > 0 && windows.out[axis_] == 1) --axis_;
    Windows::Sizes first{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      inner_[axis] = windows.inner(axis);
      first[axis] = inner_[axis].first;
      if (inner_[axis].first >= inner_[axis].end) return;  // none is inner
    }
    has_inner_ = true;
    windows.taps_at(first, inner_taps_.data());
    const std::int64_t origin = windows.origin(first);
    for (Tap& tap : inner_taps_) tap.source -= origin;
  }

  /// Passes `count` windows of a run.
  void next(std::int64_t count) {
    at_[axis_] += count;
    for (std::size_t axis = axis_; at_[axis] == windows_.out[axis]; --axis) {
      at_[axis] = 0;
      if (axis == 0) {
        ++plane_;
        return;
      }
      ++at_[axis - 1];
    }
  }

  /// A run of windows that look alike, `step` apart, and the elements of the first one; their positions count from
  /// `origin` of the whole source.
  struct Run {
    const Tap* taps;
    std::size_t count;
    std::int64_t origin, length, step;
  };
  Run run() {
    const std::int64_t plane = plane_ * windows_.in_volume();
    if (is_inner()) {
      std::int64_t step = windows_.stride[axis_];
      for (std::size_t axis = axis_ + 1; axis < 3; ++axis) step *= windows_.in[axis];
      const std::int64_t length = inner_[axis_].end - at_[axis_];
      return {inner_taps_.data(), inner_taps_.size(), plane + windows_.origin(at_), length, step};
    }
    return {outer_taps_.data(), windows_.taps_at(at_, outer_taps_.data()), plane, 1, 0};
  }

 private:
  bool is_inner() const {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (at_[axis] < inner_[axis].first || at_[axis] >= inner_[axis].end) return false;
    }
    return has_inner_;
  }

  const Windows& windows_;
  std::int64_t plane_;
  std::size_t axis_ = 2;  // the last one with several windows: runs go along it
  Windows::Sizes at_;
  std::array<Windows::Range, 3> inner_{};
  bool has_inner_ = false;
  std::vector<Tap> inner_taps_, outer_taps_;
};

/// A run of windows; `coarse` and `numbers` are those of the first.
template <class T, class N, std::size_t kCount>
void run_alike(const Job& job, const Walk::Run& run, std::int64_t length, std::int64_t window) {
  const std::int64_t channels = job.channels, step = run.step * channels;
  const Taps<kCount> taps(run.taps, run.count, channels);
  T* fine = static_cast<T*>(job.fine) + run.origin * channels;
  T* coarse = static_cast<T*>(job.coarse) + window * channels;
  const std::int64_t numbered = job.numbers != nullptr ? channels : 0;
  N* numbers = static_cast<N*>(job.numbers) + window * numbered;
  const auto for_each = [&](const auto& work) HWY_ATTR {
    for (std::int64_t w = 0; w < length; ++w, fine += step, coarse += channels, numbers += numbered) work(w);
  };
  const auto none = static_cast<std::int32_t>(nothing_taken(job.numbers_dtype));
  const double* weights = job.weights;
  const std::int64_t volume = job.windows.out_volume();
  const auto weight = [=](std::int64_t w) { return weights != nullptr ? weights[(window + w) % volume] : 1; };
  switch (job.work) {
    case Work::max:
      if (job.floor)
        return for_each([&](std::int64_t) HWY_ATTR { max_row<true>(fine, taps, channels, none, coarse, numbers); });
      return for_each([&](std::int64_t) HWY_ATTR { max_row<false>(fine, taps, channels, none, coarse, numbers); });
    case Work::max_scatter:
      if (job.first)
        return for_each([&](std::int64_t) HWY_ATTR { max_scatter_row<true>(coarse, numbers, taps, channels, fine); });
      return for_each([&](std::int64_t) HWY_ATTR { max_scatter_row<false>(coarse, numbers, taps, channels, fine); });
    case Work::max_gather:
      return for_each([&](std::int64_t) HWY_ATTR { max_gather_row(fine, numbers, taps, channels, coarse); });
    case Work::sum: return for_each([&](std::int64_t w) HWY_ATTR { sum_row(fine, taps, channels, weight(w), coarse); });
    case Work::sum_scatter:
      if (job.first) {
        return for_each([&](std::int64_t w)
                            HWY_ATTR { sum_scatter_row<true>(coarse, taps, channels, weight(w), fine); });
      }
      return for_each([&](std::int64_t w)
                          HWY_ATTR { sum_scatter_row<false>(coarse, taps, channels, weight(w), fine); });
  }
}

template <class T, class N>
void run_typed(const Job& job, std::int64_t first, std::int64_t end) {
  Walk walk(job.windows, first);
  for (std::int64_t w = first; w < end;) {
    const Walk::Run run = walk.run();
    const std::int64_t length = HWY_MIN(run.length, end - w);
    const std::size_t count = in_vectors<T> ? run.count : 0;  // f64 is the reference
    switch (count) {
      case 4: run_alike<T, N, in_vectors<T> ? 4 : 0>(job, run, length, w); break;  // 2x2
      case 9: run_alike<T, N, in_vectors<T> ? 9 : 0>(job, run, length, w); break;  // 3x3
      default: run_alike<T, N, 0>(job, run, length, w); break;
    }
    walk.next(length);
    w += length;
  }
}

template <class T>
void run_numbered(const Job& job, std::int64_t first, std::int64_t end) {
  if (job.numbers_dtype == u8)
    run_typed<T, std::uint8_t>(job, first, end);
  else
    run_typed<T, std::int64_t>(job, first, end);
}

/// The windows `first` to `end - 1` of all planes of the batch.
void run(const Job& job, std::int64_t first, std::int64_t end) {
  switch (job.dtype) {
    case DType::f32: return run_numbered<float>(job, first, end);
    case DType::bf16: return run_numbered<std::uint16_t>(job, first, end);
    default: return run_numbered<double>(job, first, end);
  }
}

}  // namespace dagrad::pooling::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::pooling {
namespace {

HWY_EXPORT(run);

constexpr std::int64_t kGrain = 1 << 14;  // elements of the source

/// Splits the windows over threads, between samples where windows of one share elements that are written.
void run_in_parallel(const Job& job, std::int64_t batch) {
  const std::int64_t windows = batch * job.windows.out_volume();
  const bool shared = (job.work == Work::max_scatter || job.work == Work::sum_scatter) && !job.first;
  const std::int64_t per_window = std::max<std::int64_t>(1, job.windows.kernel_volume() * job.channels);
  std::int64_t grain = std::max<std::int64_t>(1, kGrain / per_window);
  if (shared) grain = (grain + job.windows.out_volume() - 1) / job.windows.out_volume() * job.windows.out_volume();
  parallel_for(windows, grain, [&](std::int64_t first, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(run)(job, first, end);
  });
}

/// Adds into f32 where bf16 would round after each window, unless each element gets one share only.
void scatter(Job job, const Tensor& diff_dst, Tensor& diff_src) {
  job.first = job.windows.partition();
  if (diff_src.dtype() == bf16 && !job.first) {
    const Spec coarse{diff_dst.shape(), f32, Format::channels_last}, fine{diff_src.shape(), f32, Format::channels_last};
    Tensor wide_dst = Tensor::allocate(coarse), wide_src = Tensor::allocate(fine);
    copy_elements(diff_dst, wide_dst);
    scatter(job, wide_dst, wide_src);
    copy_elements(wide_src, diff_src);
    return;
  }
  job.dtype = diff_src.dtype();
  job.coarse = const_cast<void*>(diff_dst.raw_data());
  job.fine = diff_src.mutable_raw_data();
  if (!job.first) diff_src.zero_();
  run_in_parallel(job, diff_src.size(0));
}

Job job_of(Work work, const Windows& windows, const Tensor& fine, const Tensor& coarse) {
  return {work,
          windows,
          fine.dtype(),
          numbers_dtype(windows),
          fine.size(1),
          const_cast<void*>(fine.raw_data()),
          const_cast<void*>(coarse.raw_data()),
          nullptr,
          nullptr,
          false};
}

}  // namespace

DType numbers_dtype(const Windows& windows) { return windows.kernel_volume() <= 255 ? u8 : i64; }
std::int64_t nothing_taken(DType numbers) { return numbers == u8 ? 255 : std::numeric_limits<std::int32_t>::max(); }

void max(const Windows& windows, bool floor, const Tensor& src, Tensor& dst, Tensor& numbers) {
  Job job = job_of(Work::max, windows, src, dst);
  job.floor = floor;
  job.numbers = numbers.mutable_raw_data();
  run_in_parallel(job, src.size(0));
}

void max_scatter(const Windows& windows, const Tensor& diff_dst, const Tensor& numbers, Tensor& diff_src) {
  Job job = job_of(Work::max_scatter, windows, diff_src, diff_dst);
  job.numbers = const_cast<void*>(numbers.raw_data());
  scatter(job, diff_dst, diff_src);
}

void max_gather(const Windows& windows, const Tensor& src, const Tensor& numbers, Tensor& dst) {
  Job job = job_of(Work::max_gather, windows, src, dst);
  job.numbers = const_cast<void*>(numbers.raw_data());
  run_in_parallel(job, src.size(0));
}

void weighted_sum(const Windows& windows, const double* weights, const Tensor& src, Tensor& dst) {
  Job job = job_of(Work::sum, windows, src, dst);
  job.weights = weights;
  run_in_parallel(job, src.size(0));
}

void weighted_scatter(const Windows& windows, const double* weights, const Tensor& diff_dst, Tensor& diff_src) {
  Job job = job_of(Work::sum_scatter, windows, diff_src, diff_dst);
  job.weights = weights;
  scatter(job, diff_dst, diff_src);
}

}  // namespace dagrad::pooling
#endif
