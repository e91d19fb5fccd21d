// Chains of elementwise ops in one pass over memory.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor_function.h"

namespace dagrad {

struct FusedOptions {
  std::int64_t min_elements = 32 << 10;  ///< below, the ops run one after another, out of the caches
  bool required = false;                 ///< throw UsageError, which says why, where they cannot run together
};

namespace detail {

std::vector<Tensor> run_fused(const TensorFunction& function, const std::vector<Tensor>& inputs, FusedOptions options,
                              Location where);

template <class Result>
Result as_result(std::vector<Tensor> outputs) {
  if constexpr (std::is_same_v<Result, Tensor>)
    return std::move(outputs[0]);
  else
    return outputs;
}

}  // namespace detail

/// function(inputs...), with its elementwise ops run together, block by block in the first cache: large tensors are
/// read once and only results are written, where ops that run one after another write and read a tensor each. The
/// backward does the same: it keeps the inputs alone, computes the function once more and writes the gradients.
///
///   const Tensor loss = fused([](const Tensor& x, const Tensor& w, const Tensor& b) { return sum(tanh(x * w + b)); },
///                             x, w, b);
///
/// Inputs and results are f32 or f64, contiguous, and have either as many elements as the largest or one. Elementwise
/// arithmetic, functions, activations and powers run together, also with numbers, and sum() and mean() over all
/// elements; tensors that the function captures are constants to it. Where anything else is used, an input is small or
/// lies otherwise, or the ops are watched (anomaly mode, verify mode, ...), the result is that of function(inputs...)
/// as it stands: fused() changes how fast, not what. Results agree to rounding; gradients of any order are those of the
/// function.
///
/// The function is called with tensors whose elements are not there yet, so it must not look at them (item(),
/// to_vector()). It is copied, and called several times, again for the backward: what it refers to must live until
/// then, what it captures must stay as it is, and it should have no effects but its results (counters, logs). Throws
/// what the function throws; from the backward, GradientError when a captured tensor was changed in place since.
template <class F>
TensorFunction::ResultOf<F> fused(const F& function, const std::vector<Tensor>& inputs, FusedOptions options = {},
                                  Location where = Location::current()) {
  return detail::as_result<TensorFunction::ResultOf<F>>(detail::run_fused(function, inputs, options, where));
}
/// The same for one to four tensors.
template <class F>
TensorFunction::ResultOf<F> fused(const F& function, const Tensor& a, Location where = Location::current()) {
  return fused(function, std::vector{a}, {}, where);
}
template <class F>
TensorFunction::ResultOf<F> fused(const F& function, const Tensor& a, const Tensor& b,
                                  Location where = Location::current()) {
  return fused(function, std::vector{a, b}, {}, where);
}
template <class F>
TensorFunction::ResultOf<F> fused(const F& function, const Tensor& a, const Tensor& b, const Tensor& c,
                                  Location where = Location::current()) {
  return fused(function, std::vector{a, b, c}, {}, where);
}
template <class F>
TensorFunction::ResultOf<F> fused(const F& function, const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                                  Location where = Location::current()) {
  return fused(function, std::vector{a, b, c, d}, {}, where);
}

}  // namespace dagrad
