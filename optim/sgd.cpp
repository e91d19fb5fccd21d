#include "dagrad/optim/sgd.h"

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/optim/steps.h"

namespace dagrad::optim {
namespace {

constexpr std::int64_t kGrain = 32 << 10;  // elements that are worth a thread

}  // namespace

SGD::SGD(std::vector<Tensor> parameters, const SgdOptions& options)
    : Optimizer("SGD", std::move(parameters), options.lr), options_(options) {
  check_option(options.momentum >= 0, name(), "momentum", options.momentum, "a number >= 0");
  check_option(options.weight_decay >= 0, name(), "weight_decay", options.weight_decay, "a number >= 0");
  if (options.nesterov && (options.momentum <= 0 || options.dampening != 0)) {
    throw UsageError("SGD: nesterov needs momentum and no dampening (want momentum > 0 and dampening = 0)");
  }
  momentum_.resize(this->parameters().size());
}

void SGD::update(std::size_t i, Tensor& parameter, const Tensor& gradient) {
  SgdStep step{lr(), options_.weight_decay, options_.momentum, options_.dampening, options_.nesterov, false};
  Tensor& buffer = momentum_[i];
  if (options_.momentum != 0 && !buffer.defined()) {
    buffer = empty_like(parameter);
    step.first = true;
  }
  const auto run = [&]<class T>(T) {
    T* p = parameter.mutable_data<T>();
    const T* g = gradient.data<T>();
    T* b = buffer.defined() ? buffer.mutable_data<T>() : nullptr;
    parallel_for(parameter.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      sgd_step(step, p + begin, g + begin, b == nullptr ? nullptr : b + begin, end - begin);
    });
  };
  if (parameter.dtype() == f64)
    run(double{});
  else
    run(float{});
}

}  // namespace dagrad::optim
