#include "dagrad/nn/perceptron.h"

#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {

Perceptron::Perceptron(std::int64_t in) {
  if (in < 1) throw ShapeError(fmt::format("Perceptron: in is {} (want at least 1)", in));
  weight = zeros({in});
  bias = zeros({});
}

Tensor Perceptron::forward(const Tensor& x) {
  const NoGrad guard;
  return dagrad::to(gt(matmul(x, weight) + bias, 0.0), x.dtype());
}

std::int64_t Perceptron::learn(const Tensor& x, const Tensor& target, double lr) {
  if (x.dim() != 2 || x.size(1) != weight.numel() || target.shape() != Shape{x.size(0)}) {
    throw ShapeError(fmt::format("Perceptron: x is {}, target is {} (want [N, {}] and [N])", x.shape().str(),
                                 target.shape().str(), weight.numel()));
  }
  const auto samples = x.to_vector<double>(), targets = target.to_vector<double>();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] != 0 && targets[i] != 1)
      throw UsageError(fmt::format("Perceptron: target {} is {} (want 0 or 1)", i, targets[i]));
  }
  auto w = weight.to_vector<double>();
  auto b = bias.item<double>();
  std::int64_t mistakes = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const double* const row = samples.data() + i * w.size();
    const double result = std::inner_product(w.begin(), w.end(), row, b) > 0 ? 1 : 0;
    const double step = lr * (targets[i] - result);
    if (step == 0) continue;
    ++mistakes;
    for (std::size_t k = 0; k < w.size(); ++k) w[k] += step * row[k];
    b += step;
  }
  weight.copy_(tensor(w, weight.shape()));
  bias.fill_(b);
  return mistakes;
}

bool Perceptron::fit(const Tensor& x, const Tensor& target, std::int64_t epochs, double lr) {
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    if (learn(x, target, lr) == 0) return true;
  }
  return false;
}

void Perceptron::parts(Parts& p) {
  p.buffer("weight", weight);
  p.buffer("bias", bias);
}

std::string Perceptron::describe() const { return fmt::format("Perceptron({})", weight.numel()); }

}  // namespace dagrad::nn
