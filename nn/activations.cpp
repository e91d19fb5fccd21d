#include "dagrad/nn/activations.h"

#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/softmax.h"

namespace dagrad::nn {

Tensor LeakyReLU::forward(const Tensor& x) { return leaky_relu(x, slope); }
std::string LeakyReLU::describe() const { return fmt::format("LeakyReLU({})", slope); }

PReLU::PReLU(std::int64_t channels, double start) {
  if (channels < 1) throw UsageError(fmt::format("PReLU: {} channels (want at least 1)", channels));
  weight = parameter(full({channels}, start));
}
Tensor PReLU::forward(const Tensor& x) { return prelu(x, weight); }
std::string PReLU::describe() const { return fmt::format("PReLU({})", weight.numel()); }

Tensor ELU::forward(const Tensor& x) { return elu(x, alpha); }
std::string ELU::describe() const { return fmt::format("ELU({})", alpha); }

Tensor SELU::forward(const Tensor& x) { return selu(x); }

Tensor GELU::forward(const Tensor& x) { return approximate == Approximate::tanh ? gelu_tanh(x) : gelu(x); }
std::string GELU::describe() const { return approximate == Approximate::tanh ? "GELU(tanh)" : "GELU"; }

Tensor SiLU::forward(const Tensor& x) { return silu(x); }
Tensor Mish::forward(const Tensor& x) { return mish(x); }

Tensor Softplus::forward(const Tensor& x) { return softplus(x, beta); }
std::string Softplus::describe() const { return fmt::format("Softplus({})", beta); }

Tensor LogSigmoid::forward(const Tensor& x) { return log_sigmoid(x); }
Tensor Hardsigmoid::forward(const Tensor& x) { return hard_sigmoid(x); }
Tensor Hardswish::forward(const Tensor& x) { return hard_swish(x); }

Tensor Hardtanh::forward(const Tensor& x) { return hard_tanh(x, low, high); }
std::string Hardtanh::describe() const { return fmt::format("Hardtanh({}, {})", low, high); }

Tensor Softmax::forward(const Tensor& x) { return softmax(x, axis); }
std::string Softmax::describe() const { return fmt::format("Softmax({})", axis); }

Tensor LogSoftmax::forward(const Tensor& x) { return log_softmax(x, axis); }
std::string LogSoftmax::describe() const { return fmt::format("LogSoftmax({})", axis); }

}  // namespace dagrad::nn
