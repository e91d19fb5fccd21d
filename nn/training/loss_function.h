// A loss as the Trainer calls it.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad::nn {

/// Any function of a prediction and a target. One that takes the caller's place as well, like those of nn/loss.h, is
/// told it: a default would name the line that calls what std::function holds.
class LossFunction {
 public:
  template <class F>
  requires(std::is_invocable_r_v<Tensor, F&, const Tensor&, const Tensor&> && !std::same_as<F, LossFunction>)
      LossFunction(F f)
      : call_(placed(std::move(f))) {}

  Tensor operator()(const Tensor& prediction, const Tensor& target, Location where) const {
    return call_(prediction, target, where);
  }

 private:
  using Placed = std::function<Tensor(const Tensor&, const Tensor&, Location)>;

  template <class F>
  static Placed placed(F f) {
    if constexpr (std::is_invocable_r_v<Tensor, F&, const Tensor&, const Tensor&, Location>)
      return f;
    else
      return [f](const Tensor& prediction, const Tensor& target, Location) mutable { return f(prediction, target); };
  }

  Placed call_;
};

}  // namespace dagrad::nn
