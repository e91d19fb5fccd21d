#include "dagrad/optim/adam.h"

#include <cmath>

#include "dagrad/core/creation.h"
#include "dagrad/core/parallel.h"
#include "dagrad/optim/steps.h"

namespace dagrad::optim {
namespace {

constexpr std::int64_t kGrain = 16 << 10;  // elements that are worth a thread

}  // namespace

Adam::Adam(std::vector<Tensor> parameters, const AdamOptions& options)
    : Optimizer("Adam", std::move(parameters), options.lr), options_(options) {
  const auto [b1, b2] = options.betas;
  check_option(b1 >= 0 && b1 < 1, name(), "betas.first", b1, "0 <= beta < 1");
  check_option(b2 >= 0 && b2 < 1, name(), "betas.second", b2, "0 <= beta < 1");
  check_option(options.eps >= 0, name(), "eps", options.eps, "a number >= 0");
  check_option(options.weight_decay >= 0, name(), "weight_decay", options.weight_decay, "a number >= 0");
  states_.resize(this->parameters().size());
}

void Adam::update(std::size_t i, Tensor& parameter, const Tensor& gradient) {
  State& state = states_[i];
  if (state.steps == 0) {
    state.mean = zeros_like(parameter);
    state.square = zeros_like(parameter);
    if (options_.amsgrad) state.largest = zeros_like(parameter);
  }
  ++state.steps;
  const auto [b1, b2] = options_.betas;
  const auto t = static_cast<double>(state.steps);
  const AdamStep step{lr() / (1 - std::pow(b1, t)), 1 / std::sqrt(1 - std::pow(b2, t)), b1, b2, options_.eps,
                      options_.weight_decay};
  const auto run = [&]<class T>(T) {
    T* p = parameter.mutable_data<T>();
    const T* g = gradient.data<T>();
    T* m = state.mean.mutable_data<T>();
    T* v = state.square.mutable_data<T>();
    T* largest = state.largest.defined() ? state.largest.mutable_data<T>() : nullptr;
    parallel_for(parameter.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      adam_step(step, p + begin, g + begin, m + begin, v + begin, largest == nullptr ? nullptr : largest + begin,
                end - begin);
    });
  };
  if (parameter.dtype() == f64)
    run(double{});
  else
    run(float{});
}

}  // namespace dagrad::optim
