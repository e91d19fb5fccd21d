// Computing again instead of keeping.
#pragma once

#include <concepts>
#include <span>
#include <type_traits>
#include <vector>

#include "dagrad/core/tensor_function.h"

namespace dagrad {

/// function(inputs), without the memory: what its ops would keep for the backward is let go when it returns, and made
/// again, by calling the function once more, when the first of them is asked for. Gradients are those of
/// function(inputs) to the last bit, also of parameters and other tensors that it reaches by another way than `inputs`.
///
///   Tensor h = checkpoint([&](const Tensor& t) { return block(t); }, x);
///
/// The second call sees the same random numbers (whichever generators they come from, which stay where they are), the
/// same autocast and recording. It may run in another thread. Checkpoints inside checkpoints drop their inputs too, and
/// gradients may be taken again through them. `function` is copied: what it refers to must live until the backward. It
/// must compute the same both times and should have no other effects (recomputing() tells).
///
/// Throws what `function` throws; later, from the backward: GradientError when the second call records something else,
/// or when inputs or parameters were changed in place in between.
std::vector<Tensor> checkpoint(const TensorFunction& function, const std::vector<Tensor>& inputs);

/// The same for one to four tensors; returns what `function` does, a Tensor or a std::vector<Tensor>.
template <class F, std::same_as<Tensor>... T>
requires(sizeof...(T) > 0) auto checkpoint(const F& function, const T&... inputs) {
  std::vector<Tensor> outputs = checkpoint(TensorFunction(function), std::vector<Tensor>{inputs...});
  if constexpr (std::is_same_v<std::remove_cvref_t<decltype(function(inputs...))>, Tensor>)
    return std::move(outputs[0]);
  else
    return outputs;
}

/// Whether the calling thread is in the second call of a checkpointed function, or in a call that only forecasts memory
/// (core/analysis/memory_forecast.h): running statistics, counters and logs have their update in another call.
bool recomputing();

}  // namespace dagrad
