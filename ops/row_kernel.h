// Elementwise kernels that are looked up once, to run on many short rows. Internal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "dagrad/ops/pointwise.h"

namespace dagrad::pointwise {

/// Rows that are read soon: a kernel of one operand asks for as many of their elements as it computes.
template <class T>
struct Ahead {
  std::array<const T*, 3> rows;
};

/// A function of one to three elements, with its numbers.
template <class T>
class RowKernel {
 public:
  using Run = void (*)(const void* formula, const T* a, const T* b, const T* c, T* dst, std::int64_t count,
                       bool streamed, const Ahead<T>* ahead);

  /// The formula of a function, and what runs it.
  template <class F>
  void set(const F& formula, Run run) {
    static_assert(std::is_trivially_copyable_v<F> && sizeof(F) <= sizeof(formula_) && alignof(F) <= alignof(Numbers));
    new (formula_) F(formula);
    run_ = run;
  }
  /// dst[i] = f(a[i], b[i], c[i]), of which f reads as many as it has operands; dst may be one of them. With `streamed`
  /// it is written past the caches: see finish_streamed_rows().
  void operator()(const T* a, const T* b, const T* c, T* dst, std::int64_t count, bool streamed = false,
                  const Ahead<T>* ahead = nullptr) const {
    run_(formula_, a, b, c, dst, count, streamed, ahead);
  }

 private:
  alignas(Numbers) std::byte formula_[sizeof(Numbers)] = {};
  Run run_ = nullptr;
};

/// Before another thread may read what was streamed, the calling thread has to wait for it with this (once at the end,
/// not after each row).
void finish_streamed_rows();

/// The kernels of functions, for f32 and f64.
template <class T>
RowKernel<T> row_kernel(Unary f, Numbers numbers);
template <class T>
RowKernel<T> row_kernel(Binary f, Numbers numbers);
/// a b + c, rounded once or twice.
template <class T>
RowKernel<T> mul_add_kernel();
/// a.
template <class T>
RowKernel<T> copy_kernel();

template <>
RowKernel<float> row_kernel(Unary f, Numbers numbers);
template <>
RowKernel<float> row_kernel(Binary f, Numbers numbers);
template <>
RowKernel<float> mul_add_kernel();
template <>
RowKernel<float> copy_kernel();
template <>
RowKernel<double> row_kernel(Unary f, Numbers numbers);
template <>
RowKernel<double> row_kernel(Binary f, Numbers numbers);
template <>
RowKernel<double> mul_add_kernel();
template <>
RowKernel<double> copy_kernel();

}  // namespace dagrad::pointwise
