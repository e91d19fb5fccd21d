#include "dagrad/nn/layers.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/init.h"
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

Tensor Flatten::forward(const Tensor& x) { return flatten(x, first_, last_); }

Tensor Unflatten::forward(const Tensor& x) {
  const int axis = normalize_axis("Unflatten", axis_, x.dim());
  const std::int64_t whole = x.size(axis);
  std::int64_t known = 1, unknown = 0;
  for (const std::int64_t size : sizes_) {
    unknown += size == -1 ? 1 : 0;
    known *= size == -1 ? 1 : size;
  }
  const std::int64_t rest = unknown == 1 && known > 0 ? whole / known : 1;
  if (unknown > 1 || known * rest != whole) {
    throw ShapeError(
        fmt::format("Unflatten: axis {} of {} as {} (want sizes whose product is {}, one of them may be -1)", axis,
                    x.shape().str(), sizes_.str(), whole));
  }
  Shape shape = x.shape();
  shape.erase(axis);
  int at = axis;
  for (const std::int64_t size : sizes_) shape.insert(at++, size == -1 ? rest : size);
  return reshape(x, shape);
}

std::string Unflatten::describe() const { return fmt::format("Unflatten({}, {})", axis_, sizes_.str()); }

}  // namespace dagrad::nn
