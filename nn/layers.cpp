#include "dagrad/nn/layers.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/init.h"
#include "dagrad/ops/dropout.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {

Linear::Linear(std::int64_t in, std::int64_t out, bool with_bias) {
  if (in < 1 || out < 1) throw ShapeError(fmt::format("Linear: in is {}, out is {} (want both at least 1)", in, out));
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight = parameter(uniform({out, in}, -bound, bound));
  if (with_bias) bias = parameter(uniform({out}, -bound, bound));
}

Tensor Linear::forward(const Tensor& x) { return linear(x, weight, bias); }

void Linear::parts(Parts& p) {
  p.parameter("weight", weight);
  p.parameter("bias", bias);
}

std::string Linear::describe() const {
  return fmt::format("Linear({}, {}{})", weight.size(1), weight.size(0), bias.defined() ? "" : ", bias=false");
}

Tensor ReLU::forward(const Tensor& x) { return relu(x); }
Tensor Tanh::forward(const Tensor& x) { return tanh(x); }
Tensor Sigmoid::forward(const Tensor& x) { return sigmoid(x); }

Dropout::Dropout(double p_in) : p(p_in), generator(default_generator().next_u64()) {
  if (!(p >= 0 && p <= 1)) throw UsageError(fmt::format("Dropout: p is {} (want 0 <= p <= 1)", p));
}

Tensor Dropout::forward(const Tensor& x) { return is_training() && p > 0 ? dropout(x, p, generator) : x; }
std::string Dropout::describe() const { return fmt::format("Dropout({})", p); }

Tensor Dropout1d::forward(const Tensor& x) { return is_training() && p > 0 ? dropout1d(x, p, generator) : x; }
std::string Dropout1d::describe() const { return fmt::format("Dropout1d({})", p); }
Tensor Dropout2d::forward(const Tensor& x) { return is_training() && p > 0 ? dropout2d(x, p, generator) : x; }
std::string Dropout2d::describe() const { return fmt::format("Dropout2d({})", p); }
Tensor Dropout3d::forward(const Tensor& x) { return is_training() && p > 0 ? dropout3d(x, p, generator) : x; }
std::string Dropout3d::describe() const { return fmt::format("Dropout3d({})", p); }
Tensor AlphaDropout::forward(const Tensor& x) { return is_training() && p > 0 ? alpha_dropout(x, p, generator) : x; }
std::string AlphaDropout::describe() const { return fmt::format("AlphaDropout({})", p); }

Tensor Flatten::forward(const Tensor& x) { return flatten(x, first_, last_); }

}  // namespace dagrad::nn
