#include "dagrad/ops/bilinear.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/view.h"

namespace dagrad {

Tensor bilinear(const Tensor& a, const Tensor& b, const Tensor& weights, const Tensor& bias, Location where) {
  if (weights.dim() != 3)
    throw ShapeError(fmt::format("bilinear: weights are {} (want [O, I, J])", weights.shape().str()));
  const auto leading = [](const Tensor& t) {
    Shape shape = t.shape();
    shape.erase(shape.rank() - 1);
    return shape;
  };
  if (a.dim() == 0 || b.dim() == 0 || a.size(-1) != weights.size(1) || b.size(-1) != weights.size(2) ||
      leading(a) != leading(b)) {
    throw ShapeError(fmt::format("bilinear: a is {}, b is {}, weights are {} (want [..., {}] and [..., {}])",
                                 a.shape().str(), b.shape().str(), weights.shape().str(), weights.size(1),
                                 weights.size(2)));
  }
  // With all products a_i b_j as the features it is a linear function.
  const std::int64_t products = weights.size(1) * weights.size(2);
  Shape shape = leading(a);
  shape.push_back(products);
  const Tensor outer = mul(unsqueeze(a, -1, where), unsqueeze(b, -2, where), where);
  return linear(reshape(outer, shape, where), reshape(weights, {weights.size(0), products}, where), bias, where);
}

}  // namespace dagrad
