#include "dagrad/ops/pointwise.h"

// Three targets are enough to be near the best everywhere, and keep the build short: SSE2, AVX2 and AVX-512.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/pointwise.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/ops/pointwise-inl.h"
#include "dagrad/ops/row_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::pointwise::HWY_NAMESPACE {

/// Calls at(i) and store(value, i) for whole vectors, and gives where they end.
template <class At>
HWY_INLINE std::int64_t store_vectors(float* dst, std::int64_t count, bool streamed, const At& at) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  if (streamed && reinterpret_cast<std::uintptr_t>(dst) % 64 == 0) {
    for (; i + lanes <= count; i += lanes) hn::Stream(at(i), d, dst + i);
  } else {
    for (; i + lanes <= count; i += lanes) hn::StoreU(at(i), d, dst + i);
  }
  return i;
}

// What kernels run, with the formula of a function.

template <class F>
void map(const void* formula, const float* a, const float*, const float*, float* dst, std::int64_t count, bool streamed,
         const Ahead<float>* ahead) {
  const F f = *static_cast<const F*>(formula);
  const hn::ScalableTag<float> d;
  const VectorMath<decltype(d)> m{d};
  std::int64_t i = 0;
  if (ahead != nullptr) {
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto [first, second, third] = ahead->rows;
    for (; i + lanes <= count; i += lanes) {
      hwy::Prefetch(first + i);
      hwy::Prefetch(second + i);
      hwy::Prefetch(third + i);
      hn::StoreU(f(m, hn::LoadU(d, a + i)), d, dst + i);
    }
  } else {
    i = store_vectors(dst, count, streamed, [&](std::int64_t k) HWY_ATTR { return f(m, hn::LoadU(d, a + k)); });
  }
  if (i == count) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(count - i));
  hn::BlendedStore(f(m, hn::MaskedLoad(tail, d, a + i)), tail, d, dst + i);
}

/// Steps of 0 (one number for all) and 1.
template <int kStepA, int kStepB, class F>
void map2(const void* formula, const float* a, const float* b, const float*, float* dst, std::int64_t count,
          bool streamed, const Ahead<float>*) {
  const F f = *static_cast<const F*>(formula);
  const hn::ScalableTag<float> d;
  const VectorMath<decltype(d)> m{d};
  const auto one_a = hn::Set(d, *a), one_b = hn::Set(d, *b);
  const std::int64_t i = store_vectors(dst, count, streamed, [&](std::int64_t k) HWY_ATTR {
    return f(m, kStepA == 0 ? one_a : hn::LoadU(d, a + k), kStepB == 0 ? one_b : hn::LoadU(d, b + k));
  });
  if (i == count) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(count - i));
  hn::BlendedStore(
      f(m, kStepA == 0 ? one_a : hn::MaskedLoad(tail, d, a + i), kStepB == 0 ? one_b : hn::MaskedLoad(tail, d, b + i)),
      tail, d, dst + i);
}

void mul_add(const void*, const float* a, const float* b, const float* c, float* dst, std::int64_t count, bool streamed,
             const Ahead<float>*) {
  const hn::ScalableTag<float> d;
  const std::int64_t i = store_vectors(dst, count, streamed, [&](std::int64_t k) HWY_ATTR {
    return hn::MulAdd(hn::LoadU(d, a + k), hn::LoadU(d, b + k), hn::LoadU(d, c + k));
  });
  if (i == count) return;
  const auto tail = hn::FirstN(d, static_cast<std::size_t>(count - i));
  const auto part = [&](const float* row) HWY_ATTR { return hn::MaskedLoad(tail, d, row + i); };
  hn::BlendedStore(hn::MulAdd(part(a), part(b), part(c)), tail, d, dst + i);
}

RowKernel<float> mul_add_kernel_f32() {
  RowKernel<float> kernel;
  kernel.set(Numbers(), &mul_add);
  return kernel;
}
RowKernel<float> copy_kernel_f32() {
  RowKernel<float> kernel;
  const auto f = [](auto, auto x) HWY_ATTR { return x; };
  kernel.set(f, &map<decltype(f)>);
  return kernel;
}
RowKernel<float> unary_kernel_f32(Unary which, Numbers numbers) {
  RowKernel<float> kernel;
  with_formula(which, numbers, [&](auto f) { kernel.set(f, &map<decltype(f)>); });
  return kernel;
}
RowKernel<float> binary_kernel_f32(Binary which, Numbers numbers, std::int64_t step_a, std::int64_t step_b) {
  RowKernel<float> kernel;
  with_formula(which, numbers, [&](auto f) {
    using F = decltype(f);
    kernel.set(f, step_b == 0 ? (step_a == 0 ? &map2<0, 0, F> : &map2<1, 0, F>)
                              : (step_a == 0 ? &map2<0, 1, F> : &map2<1, 1, F>));
  });
  return kernel;
}

// One instance of each loop for whole tensors and for looked up kernels: the latter are called here, too.

void unary_f32(Unary which, Numbers numbers, const float* src, float* dst, std::int64_t count) {
  const bool streamed = src != dst && count >= kStreamedFrom;
  unary_kernel_f32(which, numbers)(src, src, src, dst, count, streamed);
  if (streamed) hwy::FlushStream();
}

/// A row of a result of `total` elements. Short rows leave the fence to who ends the threads' work: one after each
/// would cost as much as the row.
void binary_f32(Binary which, Numbers numbers, const float* a, std::int64_t step_a, const float* b, std::int64_t step_b,
                float* dst, std::int64_t count, std::int64_t total) {
  const bool streamed = total >= kStreamedFrom;
  binary_kernel_f32(which, numbers, step_a, step_b)(a, b, a, dst, count, streamed);
  if (count >= kStreamedFrom) hwy::FlushStream();
}

}  // namespace dagrad::pointwise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/bf16_rows.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/strided_loop.h"
#include "dagrad/ops/pointwise_trace.h"

namespace dagrad::pointwise {
namespace {

HWY_EXPORT(unary_f32);
HWY_EXPORT(binary_f32);
HWY_EXPORT(unary_kernel_f32);
HWY_EXPORT(binary_kernel_f32);
HWY_EXPORT(mul_add_kernel_f32);
HWY_EXPORT(copy_kernel_f32);

// A core moves 10 to 20 elements a nanosecond and a fork costs about 0.7 us.
constexpr std::int64_t kGrain = 32 << 10;
constexpr std::int64_t kBlock = 512;  // elements that pass through a buffer on the stack

/// Rows in memory that a kernel cannot take as they lie (other strides, other types) pass through a buffer.
template <class T, class From>
const T* gather(const From* src, std::int64_t step, std::int64_t count, T* buffer) {
  if constexpr (std::is_same_v<From, BFloat16> && std::is_same_v<T, float>) {
    if (step == 1) {
      widen(src, buffer, count);
      return buffer;
    }
  }
  for (std::int64_t i = 0; i < count; ++i) buffer[i] = convert_to<T>(src[i * step]);
  return buffer;
}

/// And back, where the row is in line.
template <class T, class To>
void put(const T* buffer, std::int64_t count, To* dst) {
  if constexpr (std::is_same_v<To, BFloat16> && std::is_same_v<T, float>)
    narrow(buffer, dst, count);
  else
    for (std::int64_t i = 0; i < count; ++i) dst[i] = convert_to<To>(buffer[i]);
}

struct F32Kernels {
  using Type = float;
  static void run(Unary f, Numbers n, const float* src, float* dst, std::int64_t count) {
    HWY_DYNAMIC_DISPATCH(unary_f32)(f, n, src, dst, count);
  }
  static void run(Binary f, Numbers n, const float* a, std::int64_t step_a, const float* b, std::int64_t step_b,
                  float* dst, std::int64_t count, std::int64_t total) {
    HWY_DYNAMIC_DISPATCH(binary_f32)(f, n, a, step_a, b, step_b, dst, count, total);
  }
};

// The plain loops: the reference for f32, and what f64 runs on.

template <class F>
void map_f64(const void* formula, const double* a, const double*, const double*, double* dst, std::int64_t count, bool,
             const Ahead<double>*) {
  const F f = *static_cast<const F*>(formula);
  for (std::int64_t i = 0; i < count; ++i) dst[i] = f(HWY_NAMESPACE::ScalarMath{}, a[i]);
}
template <int kStepA, int kStepB, class F>
void map2_f64(const void* formula, const double* a, const double* b, const double*, double* dst, std::int64_t count,
              bool, const Ahead<double>*) {
  const F f = *static_cast<const F*>(formula);
  for (std::int64_t i = 0; i < count; ++i) dst[i] = f(HWY_NAMESPACE::ScalarMath{}, a[i * kStepA], b[i * kStepB]);
}

RowKernel<double> unary_kernel_f64(Unary which, Numbers numbers) {
  RowKernel<double> kernel;
  HWY_NAMESPACE::with_formula(which, numbers, [&](auto f) { kernel.set(f, &map_f64<decltype(f)>); });
  return kernel;
}
RowKernel<double> binary_kernel_f64(Binary which, Numbers numbers, std::int64_t step_a, std::int64_t step_b) {
  RowKernel<double> kernel;
  HWY_NAMESPACE::with_formula(which, numbers, [&](auto f) {
    using F = decltype(f);
    kernel.set(f, step_b == 0 ? (step_a == 0 ? &map2_f64<0, 0, F> : &map2_f64<1, 0, F>)
                              : (step_a == 0 ? &map2_f64<0, 1, F> : &map2_f64<1, 1, F>));
  });
  return kernel;
}

struct F64Kernels {
  using Type = double;
  static void run(Unary f, Numbers n, const double* src, double* dst, std::int64_t count) {
    unary_kernel_f64(f, n)(src, src, src, dst, count);
  }
  static void run(Binary f, Numbers n, const double* a, std::int64_t step_a, const double* b, std::int64_t step_b,
                  double* dst, std::int64_t count, std::int64_t) {
    binary_kernel_f64(f, n, step_a, step_b)(a, b, a, dst, count);
  }
};

struct I64Kernels {
  using Type = std::int64_t;
  // Unsigned arithmetic: overflow wraps, as in NumPy.
  static std::int64_t wrap(std::uint64_t x) { return static_cast<std::int64_t>(x); }
  static void run(Unary which, Numbers numbers, const std::int64_t* src, std::int64_t* dst, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) dst[i] = one(which, src[i], numbers);
  }
  static void run(Binary which, Numbers, const std::int64_t* a, std::int64_t step_a, const std::int64_t* b,
                  std::int64_t step_b, std::int64_t* dst, std::int64_t count, std::int64_t) {
    for (std::int64_t i = 0; i < count; ++i) dst[i] = two(which, a[i * step_a], b[i * step_b]);
  }

 private:
  static std::int64_t one(Unary which, std::int64_t x, Numbers numbers) {
    const auto u = static_cast<std::uint64_t>(x);
    const auto number = [&] { return static_cast<std::uint64_t>(static_cast<std::int64_t>(numbers.a)); };
    switch (which) {
      case Unary::add_number: return wrap(u + number());
      case Unary::number_sub: return wrap(number() - u);
      case Unary::mul_number: return wrap(u * number());
      case Unary::clamp: return clamp(x, numbers);
      case Unary::neg: return wrap(0 - u);
      case Unary::abs: return x < 0 ? wrap(0 - u) : x;
      case Unary::sign: return (x > 0) - (x < 0);
      default: return wrap(u * u);
    }
  }
  static std::int64_t clamp(std::int64_t x, Numbers bounds) {
    return std::clamp(x, nearest(bounds.a), nearest(bounds.b));
  }
  static std::int64_t nearest(double x) {
    if (x >= 0x1p63) return std::numeric_limits<std::int64_t>::max();
    return x < -0x1p63 ? std::numeric_limits<std::int64_t>::min() : static_cast<std::int64_t>(x);
  }
  static std::int64_t fmod(std::int64_t x, std::int64_t y) { return y == -1 ? 0 : x % y; }  // min % -1 would overflow
  static std::int64_t remainder(std::int64_t x, std::int64_t y) {
    const std::int64_t r = fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
  }
  static std::int64_t two(Binary which, std::int64_t x, std::int64_t y) {
    const auto u = static_cast<std::uint64_t>(x), v = static_cast<std::uint64_t>(y);
    switch (which) {
      case Binary::add: return wrap(u + v);
      case Binary::sub: return wrap(u - v);
      case Binary::maximum: return std::max(x, y);
      case Binary::minimum: return std::min(x, y);
      case Binary::fmod: return fmod(x, y);
      case Binary::remainder: return remainder(x, y);
      default: return wrap(u * v);
    }
  }
};

/// Rows of elements of type T on kernels for K::Type.
template <class K, class T>
void unary_row(Unary f, Numbers numbers, const T* src, std::int64_t step, T* dst, std::int64_t count) {
  using C = typename K::Type;
  if constexpr (std::is_same_v<C, T>) {
    if (step == 1) return K::run(f, numbers, src, dst, count);
  }
  std::array<C, kBlock> in, out;
  for (std::int64_t i = 0; i < count; i += kBlock) {
    const std::int64_t n = std::min(kBlock, count - i);
    K::run(f, numbers, gather(src + i * step, step, n, in.data()), out.data(), n);
    put(out.data(), n, dst + i);
  }
}

template <class K, class T>
void binary_row(Binary f, Numbers numbers, const T* a, std::int64_t step_a, const T* b, std::int64_t step_b, T* dst,
                std::int64_t count, std::int64_t total) {
  using C = typename K::Type;
  if constexpr (std::is_same_v<C, T>) {
    if ((step_a == 0 || step_a == 1) && (step_b == 0 || step_b == 1))
      return K::run(f, numbers, a, step_a, b, step_b, dst, count, total);
  }
  std::array<C, kBlock> in_a, in_b, out;
  for (std::int64_t i = 0; i < count; i += kBlock) {
    const std::int64_t n = std::min(kBlock, count - i);
    K::run(f, numbers, gather(a + i * step_a, step_a, n, in_a.data()), 1,
           gather(b + i * step_b, step_b, n, in_b.data()), 1, out.data(), n, n);
    put(out.data(), n, dst + i);
  }
}

/// Calls `run(kernels, T{})` for the element type.
template <class F>
void with_kernels(DType dtype, const F& run) {
  switch (dtype) {
    case DType::f32: return run(F32Kernels{}, float{});
    case DType::bf16: return run(F32Kernels{}, BFloat16{});
    case DType::f64: return run(F64Kernels{}, double{});
    default: return run(I64Kernels{}, std::int64_t{});
  }
}

/// dst = f(t, number), or with `first` f(number, t).
void with_number(Binary f, const Tensor& t, double number, Tensor& dst, bool first) {
  if (dst.numel() == 0) return;
  if (detail::trace != nullptr) return detail::trace->binary(f, t, number, first, dst);
  with_kernels(dst.dtype(), [&]<class K, class T>(K, T) {
    const T* from = t.data<T>();
    const T other = convert_to<T>(number);
    T* to = dst.mutable_data<T>();
    const Strides& dst_strides = dst.strides();
    const Strides& src_strides = t.strides();
    const StridedLoop<2> loop(dst.shape(), {&dst_strides, &src_strides});
    for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t n) {
      if (first)
        binary_row<K>(f, {}, &other, 0, from + at[1], loop.row_stride(1), to + at[0], n, n);
      else
        binary_row<K>(f, {}, from + at[1], loop.row_stride(1), &other, 0, to + at[0], n, n);
    });
  });
}

}  // namespace

void unary(Unary f, const Tensor& src, Tensor& dst, Numbers numbers) {
  if (dst.numel() == 0) return;
  if (detail::trace != nullptr) return detail::trace->unary(f, src, dst, numbers);
  with_kernels(dst.dtype(), [&]<class K, class T>(K, T) {
    const T* from = src.data<T>();
    T* to = dst.mutable_data<T>();
    if (dst.numel() <= kGrain && src.is_contiguous() && dst.is_contiguous())
      return unary_row<K>(f, numbers, from, 1, to, dst.numel());
    const Strides& dst_strides = dst.strides();
    const Strides& src_strides = src.strides();
    const StridedLoop<2> loop(dst.shape(), {&dst_strides, &src_strides});
    for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t n) {
      unary_row<K>(f, numbers, from + at[1], loop.row_stride(1), to + at[0], n);
    });
  });
}

void binary(Binary f, const Tensor& a, const Tensor& b, Tensor& dst, Numbers numbers) {
  if (dst.numel() == 0) return;
  if (detail::trace != nullptr) return detail::trace->binary(f, a, b, dst, numbers);
  with_kernels(dst.dtype(), [&]<class K, class T>(K, T) {
    const T* from_a = a.data<T>();
    const T* from_b = b.data<T>();
    T* to = dst.mutable_data<T>();
    const std::int64_t count = dst.numel();
    if (count <= kGrain && dst.is_contiguous()) {
      const auto step = [count](const Tensor& t) -> std::int64_t {
        return t.numel() == count && t.is_contiguous() ? 1 : t.numel() == 1 ? 0 : -1;
      };
      const std::int64_t step_a = step(a), step_b = step(b);
      if (step_a >= 0 && step_b >= 0)
        return binary_row<K>(f, numbers, from_a, step_a, from_b, step_b, to, count, count);
    }
    const Strides strides_a = broadcast_strides(a.shape(), a.strides(), dst.shape());
    const Strides strides_b = broadcast_strides(b.shape(), b.strides(), dst.shape());
    const Strides& dst_strides = dst.strides();
    const StridedLoop<3> loop(dst.shape(), {&dst_strides, &strides_a, &strides_b});
    const bool by_rows = loop.row_count() > 1;
    for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t n) {
      binary_row<K>(f, numbers, from_a + at[1], loop.row_stride(1), from_b + at[2], loop.row_stride(2), to + at[0], n,
                    by_rows ? count : n);
    });
    // What other threads wrote is there, too: their locked instructions at the end of a loop wait for it.
    if (by_rows && count >= kStreamedFrom) hwy::FlushStream();
  });
}

void binary(Binary f, const Tensor& a, double b, Tensor& dst) { with_number(f, a, b, dst, false); }
void binary(Binary f, double a, const Tensor& b, Tensor& dst) { with_number(f, b, a, dst, true); }

void finish_streamed_rows() { hwy::FlushStream(); }

template <>
RowKernel<float> row_kernel(Unary f, Numbers numbers) {
  return HWY_DYNAMIC_DISPATCH(unary_kernel_f32)(f, numbers);
}
template <>
RowKernel<float> row_kernel(Binary f, Numbers numbers) {
  return HWY_DYNAMIC_DISPATCH(binary_kernel_f32)(f, numbers, 1, 1);
}
template <>
RowKernel<float> mul_add_kernel() {
  return HWY_DYNAMIC_DISPATCH(mul_add_kernel_f32)();
}
template <>
RowKernel<float> copy_kernel() {
  return HWY_DYNAMIC_DISPATCH(copy_kernel_f32)();
}
template <>
RowKernel<double> row_kernel(Unary f, Numbers numbers) {
  return unary_kernel_f64(f, numbers);
}
template <>
RowKernel<double> row_kernel(Binary f, Numbers numbers) {
  return binary_kernel_f64(f, numbers, 1, 1);
}
template <>
RowKernel<double> mul_add_kernel() {
  RowKernel<double> kernel;
  kernel.set(Numbers(), [](const void*, const double* a, const double* b, const double* c, double* dst,
                           std::int64_t count, bool, const Ahead<double>*) {
    for (std::int64_t i = 0; i < count; ++i) dst[i] = a[i] * b[i] + c[i];
  });
  return kernel;
}
template <>
RowKernel<double> copy_kernel() {
  RowKernel<double> kernel;
  kernel.set(Numbers(), [](const void*, const double* a, const double*, const double*, double* dst, std::int64_t count,
                           bool, const Ahead<double>*) { std::copy_n(a, count, dst); });
  return kernel;
}

}  // namespace dagrad::pointwise
#endif
