// Changing gradients where they lie. Internal.
#pragma once

#include <type_traits>

#include "dagrad/core/parallel.h"
#include "dagrad/core/tensor.h"
#include "dagrad/optim/density.h"

namespace dagrad::optim {

/// Replaces every element x of the parameter's gradient by f(x), in place; a gradient that is recorded, or whose
/// elements share memory with each other, is replaced by a tensor of its own.
template <class F>
void change_gradient(const Tensor& parameter, const F& f) {
  Tensor gradient = parameter.grad();
  if (gradient.requires_grad() || !is_dense(gradient)) {
    gradient = copy_like(parameter, gradient.dtype(), gradient);
    parameter.set_grad(gradient);
  }
  constexpr std::int64_t kGrain = 64 << 10;  // elements that are worth a thread
  const auto run = [&]<class T>(T) {
    T* g = gradient.mutable_data<T>();
    parallel_for(gradient.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        if constexpr (std::is_same_v<T, BFloat16>)
          g[i] = BFloat16(f(static_cast<float>(g[i])));
        else
          g[i] = f(g[i]);
      }
    });
  };
  switch (gradient.dtype()) {
    case DType::f64: run(double{}); break;
    case DType::bf16: run(BFloat16{}); break;
    default: run(float{}); break;
  }
}

inline void scale_gradient(const Tensor& parameter, double factor) {
  if (factor == 1 || !parameter.grad().defined()) return;
  change_gradient(parameter, [factor](auto x) { return x * static_cast<decltype(x)>(factor); });
}

}  // namespace dagrad::optim
