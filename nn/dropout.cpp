#include "dagrad/nn/dropout.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/dropout.h"

namespace dagrad::nn {

DropoutLayer::DropoutLayer(const char* name, double p_in)
    : p(p_in), generator(default_generator().next_u64()), name_(name) {
  if (!(p >= 0 && p <= 1)) throw UsageError(fmt::format("{}: p is {} (want 0 <= p <= 1)", name, p));
}

Tensor DropoutLayer::forward(const Tensor& x) { return is_training() && p > 0 ? drop(x) : x; }
std::string DropoutLayer::describe() const { return fmt::format("{}({})", name_, p); }

Tensor Dropout::drop(const Tensor& x) { return dropout(x, p, generator); }
Tensor Dropout1d::drop(const Tensor& x) { return dropout1d(x, p, generator); }
Tensor Dropout2d::drop(const Tensor& x) { return dropout2d(x, p, generator); }
Tensor Dropout3d::drop(const Tensor& x) { return dropout3d(x, p, generator); }
Tensor AlphaDropout::drop(const Tensor& x) { return alpha_dropout(x, p, generator); }

}  // namespace dagrad::nn
