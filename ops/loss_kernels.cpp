#include "dagrad/ops/loss_kernels.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/loss_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/ops/loss_formulas-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::losses::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using Vectors = pointwise::HWY_NAMESPACE::VectorMath<D>;
using Scalars = pointwise::HWY_NAMESPACE::ScalarMath;

/// An operand of a block: in line (a step of 1), or one number for all (0).
struct Line {
  const float* data;
  std::int64_t step;

  HWY_INLINE V at(D d, std::int64_t i) const { return step == 0 ? hn::Set(d, *data) : hn::LoadU(d, data + i); }
  HWY_INLINE V at(D d, std::int64_t i, hn::Mask<D> tail) const {
    return step == 0 ? hn::Set(d, *data) : hn::MaskedLoad(tail, d, data + i);
  }
};

void values_f32(Formula which, double number, const float* x, const float* y, const float* w, std::int64_t step_w,
                float* dst, std::int64_t count) {
  with_value(which, number, [&](auto f) HWY_ATTR {
    const D d;
    const Vectors m{d};
    const Line weight{w, step_w};
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes)
      hn::StoreU(f(m, hn::LoadU(d, x + i), hn::LoadU(d, y + i), weight.at(d, i)), d, dst + i);
    if (i == count) return;
    const auto tail = hn::FirstN(d, static_cast<std::size_t>(count - i));
    hn::BlendedStore(f(m, hn::MaskedLoad(tail, d, x + i), hn::MaskedLoad(tail, d, y + i), weight.at(d, i, tail)), tail,
                     d, dst + i);
  });
}

float total_f32(Formula which, double number, const float* x, const float* y, const float* w, std::int64_t step_w,
                std::int64_t count) {
  float result = 0;
  with_value(which, number, [&](auto f) HWY_ATTR {
    const D d;
    const Vectors m{d};
    const Line weight{w, step_w};
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    auto sum = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes)
      sum = hn::Add(sum, f(m, hn::LoadU(d, x + i), hn::LoadU(d, y + i), weight.at(d, i)));
    if (i < count) {
      const auto tail = hn::FirstN(d, static_cast<std::size_t>(count - i));
      const auto last = f(m, hn::MaskedLoad(tail, d, x + i), hn::MaskedLoad(tail, d, y + i), weight.at(d, i, tail));
      sum = hn::Add(sum, hn::IfThenElseZero(tail, last));
    }
    result = hn::GetLane(hn::SumOfLanes(d, sum));
  });
  return result;
}

void gradient_f32(Formula which, By by, double number, float scale, const float* g, std::int64_t step_g, const float* x,
                  const float* y, const float* w, std::int64_t step_w, float* dst, std::int64_t count) {
  const auto run = [&](auto f) HWY_ATTR {
    const D d;
    const Vectors m{d};
    const Line weight{w, step_w}, diff{g, step_g};
    const auto factor = hn::Set(d, scale);
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      const auto slope = f(m, hn::LoadU(d, x + i), hn::LoadU(d, y + i), weight.at(d, i));
      hn::StoreU(hn::Mul(hn::Mul(factor, diff.at(d, i)), slope), d, dst + i);
    }
    if (i == count) return;
    const auto tail = hn::FirstN(d, static_cast<std::size_t>(count - i));
    const auto slope = f(m, hn::MaskedLoad(tail, d, x + i), hn::MaskedLoad(tail, d, y + i), weight.at(d, i, tail));
    hn::BlendedStore(hn::Mul(hn::Mul(factor, diff.at(d, i, tail)), slope), tail, d, dst + i);
  };
  if (by == By::input)
    with_gradient_by_input(which, number, run);
  else
    with_gradient_by_target(which, number, run);
}

}  // namespace dagrad::losses::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>

#include "dagrad/core/parallel.h"

namespace dagrad::losses {
namespace {

HWY_EXPORT(values_f32);
HWY_EXPORT(total_f32);
HWY_EXPORT(gradient_f32);

constexpr std::int64_t kGrain = 32 << 10;  // elements that are worth a thread
constexpr std::int64_t kBlock = 1 << 10;   // elements that a kernel gets at once, which bounds the sums in f32

struct F32 {
  using Type = float;
  static void values(Formula f, double n, const float* x, const float* y, const float* w, std::int64_t step_w,
                     float* dst, std::int64_t count) {
    HWY_DYNAMIC_DISPATCH(values_f32)(f, n, x, y, w, step_w, dst, count);
  }
  static double total(Formula f, double n, const float* x, const float* y, const float* w, std::int64_t step_w,
                      std::int64_t count) {
    return static_cast<double>(HWY_DYNAMIC_DISPATCH(total_f32)(f, n, x, y, w, step_w, count));
  }
  static void gradient(Formula f, By by, double n, double scale, const float* g, std::int64_t step_g, const float* x,
                       const float* y, const float* w, std::int64_t step_w, float* dst, std::int64_t count) {
    HWY_DYNAMIC_DISPATCH(gradient_f32)
    (f, by, n, static_cast<float>(scale), g, step_g, x, y, w, step_w, dst, count);
  }
};

/// The plain loops: the reference for f32, and what f64 runs on.
struct F64 {
  using Type = double;
  static void values(Formula which, double n, const double* x, const double* y, const double* w, std::int64_t step_w,
                     double* dst, std::int64_t count) {
    HWY_NAMESPACE::with_value(which, n, [&](auto f) {
      for (std::int64_t i = 0; i < count; ++i) dst[i] = f(HWY_NAMESPACE::Scalars{}, x[i], y[i], w[i * step_w]);
    });
  }
  static double total(Formula which, double n, const double* x, const double* y, const double* w, std::int64_t step_w,
                      std::int64_t count) {
    double sum = 0;
    HWY_NAMESPACE::with_value(which, n, [&](auto f) {
      for (std::int64_t i = 0; i < count; ++i) sum += f(HWY_NAMESPACE::Scalars{}, x[i], y[i], w[i * step_w]);
    });
    return sum;
  }
  static void gradient(Formula which, By by, double n, double scale, const double* g, std::int64_t step_g,
                       const double* x, const double* y, const double* w, std::int64_t step_w, double* dst,
                       std::int64_t count) {
    const auto run = [&](auto f) {
      for (std::int64_t i = 0; i < count; ++i)
        dst[i] = scale * g[i * step_g] * f(HWY_NAMESPACE::Scalars{}, x[i], y[i], w[i * step_w]);
    };
    if (by == By::input)
      HWY_NAMESPACE::with_gradient_by_input(which, n, run);
    else
      HWY_NAMESPACE::with_gradient_by_target(which, n, run);
  }
};

/// Reads blocks of an operand whose elements repeat, as the type C that is computed in: as they lie where they can be
/// taken so, else through a buffer.
template <class C, class T>
class Blocks {
 public:
  /// Of `t` over `count` elements; without `t`, of ones.
  Blocks(const Tensor& t, std::int64_t count) {
    if (t.defined()) {
      data_ = t.data<T>();
      period_ = t.numel();
    }
    if (period_ == 1) buffer_[0] = data_ != nullptr ? convert_to<C>(*data_) : C{1};
    whole_ = period_ == count;
  }

  std::int64_t step() const { return period_ == 1 ? 0 : 1; }

  /// The elements from `first` on.
  const C* at(std::int64_t first, std::int64_t count) {
    if (period_ == 1) return buffer_.data();
    if constexpr (std::is_same_v<C, T>) {
      if (whole_) return data_ + first;
    }
    std::int64_t from = first % period_;
    for (std::int64_t i = 0; i < count; ++i) {
      buffer_[static_cast<std::size_t>(i)] = convert_to<C>(data_[from]);
      if (++from == period_) from = 0;
    }
    return buffer_.data();
  }

 private:
  const T* data_ = nullptr;
  std::int64_t period_ = 1;
  bool whole_ = false;
  std::array<C, kBlock> buffer_;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled where it is read
};

/// Calls `run(kernels, T{})` for a floating type.
template <class F>
decltype(auto) with_kernels(DType dtype, const F& run) {
  switch (dtype) {
    case DType::f64: return run(F64{}, double{});
    case DType::bf16: return run(F32{}, BFloat16{});
    default: return run(F32{}, float{});
  }
}

/// Calls `work(begin, end)` on parts of [0, count) that are multiples of blocks.
template <class Work>
void for_parts(std::int64_t count, const Work& work) {
  if (count <= kGrain)
    work(0, count);
  else
    parallel_for(count, kGrain, work);
}

/// Calls `make(block, first, n)` for a place to write each block of dst to, and stores it.
template <class C, class T, class Make>
void write_blocks(T* dst, std::int64_t begin, std::int64_t end, const Make& make) {
  for (std::int64_t i = begin; i < end; i += kBlock) {
    const std::int64_t n = std::min(kBlock, end - i);
    if constexpr (std::is_same_v<C, T>) {
      make(dst + i, i, n);
    } else {
      std::array<C, kBlock> out;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by make
      make(out.data(), i, n);
      for (std::int64_t k = 0; k < n; ++k) dst[i + k] = convert_to<T>(out[static_cast<std::size_t>(k)]);
    }
  }
}

}  // namespace

void values(Formula f, double number, const Operands& in, Tensor& dst) {
  const std::int64_t count = dst.numel();
  if (count == 0) return;
  with_kernels(dst.dtype(), [&]<class K, class T>(K, T) {
    using C = typename K::Type;
    T* to = dst.mutable_data<T>();
    for_parts(count, [&](std::int64_t begin, std::int64_t end) {
      Blocks<C, T> x(in.x, count), y(in.y, count), w(in.weight, count);
      write_blocks<C>(to, begin, end, [&](C* out, std::int64_t i, std::int64_t n) {
        K::values(f, number, x.at(i, n), y.at(i, n), w.at(i, n), w.step(), out, n);
      });
    });
  });
}

double total(Formula f, double number, const Operands& in) {
  const std::int64_t count = in.x.numel(), parts = (count + kGrain - 1) / kGrain;
  boost::container::small_vector<double, 16> sums(static_cast<std::size_t>(parts));
  with_kernels(in.x.dtype(), [&]<class K, class T>(K, T) {
    using C = typename K::Type;
    const auto sum_part = [&](std::int64_t part) {
      Blocks<C, T> x(in.x, count), y(in.y, count), w(in.weight, count);
      double sum = 0;
      const std::int64_t end = std::min(count, (part + 1) * kGrain);
      for (std::int64_t i = part * kGrain; i < end; i += kBlock) {
        const std::int64_t n = std::min(kBlock, end - i);
        sum += K::total(f, number, x.at(i, n), y.at(i, n), w.at(i, n), w.step(), n);
      }
      sums[static_cast<std::size_t>(part)] = sum;
    };
    if (parts == 1) return sum_part(0);
    parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t part = begin; part < end; ++part) sum_part(part);
    });
  });
  double result = 0;
  for (const double sum : sums) result += sum;
  return result;
}

void gradient(Formula f, By by, double number, double scale, const Tensor& diff_dst, const Operands& in, Tensor& dst) {
  const std::int64_t count = dst.numel();
  if (count == 0) return;
  with_kernels(dst.dtype(), [&]<class K, class T>(K, T) {
    using C = typename K::Type;
    T* to = dst.mutable_data<T>();
    for_parts(count, [&](std::int64_t begin, std::int64_t end) {
      Blocks<C, T> x(in.x, count), y(in.y, count), w(in.weight, count), g(diff_dst, count);
      write_blocks<C>(to, begin, end, [&](C* out, std::int64_t i, std::int64_t n) {
        K::gradient(f, by, number, scale, g.at(i, n), g.step(), x.at(i, n), y.at(i, n), w.at(i, n), w.step(), out, n);
      });
    });
  });
}

}  // namespace dagrad::losses
#endif
