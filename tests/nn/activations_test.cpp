#include "dagrad/nn/activations.h"

#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

TEST(Activations, AreTheFunctionsOfTheirNames) {
  manual_seed(1);
  const Tensor x = randn({2, 3, 4}) * 4.0;
  const auto check = [&](AnyModule module, const Tensor& wanted, const char* text) {
    EXPECT_EQ(module(x).to_vector<float>(), wanted.to_vector<float>()) << text;
    EXPECT_EQ(to_string(*module), text);
  };
  check(ReLU(), relu(x), "ReLU");
  check(LeakyReLU(0.2), leaky_relu(x, 0.2), "LeakyReLU(0.2)");
  check(PReLU(3, 0.5), leaky_relu(x, 0.5), "PReLU(3)");
  check(ELU(2), elu(x, 2), "ELU(2)");
  check(SELU(), selu(x), "SELU");
  check(GELU(), gelu(x), "GELU");
  check(GELU(GELU::Approximate::tanh), gelu_tanh(x), "GELU(tanh)");
  check(SiLU(), silu(x), "SiLU");
  check(Mish(), mish(x), "Mish");
  check(Softplus(2), softplus(x, 2), "Softplus(2)");
  check(LogSigmoid(), log_sigmoid(x), "LogSigmoid");
  check(Hardsigmoid(), hard_sigmoid(x), "Hardsigmoid");
  check(Hardswish(), hard_swish(x), "Hardswish");
  check(Hardtanh(-2, 3), clamp(x, -2, 3), "Hardtanh(-2, 3)");
  check(ReLU6(), clamp(x, 0, 6), "ReLU6");
  check(LogSoftmax(1), log_softmax(x, 1), "LogSoftmax(1)");
  check(Identity(), x, "Identity");
  for (const float s : sum(Softmax(1)(x), {1}).to_vector<float>()) EXPECT_NEAR(s, 1, 1e-6);
}

TEST(Activations, LearnTheSlopeOfPReLU) {
  PReLU layer;
  sum(layer(tensor({-2, 3}))).backward();
  EXPECT_EQ(layer.weight.grad().item<float>(), -2);
  EXPECT_EQ(layer.named_parameters()[0].first, "weight");
  expect_error<UsageError>([] { PReLU(0); }, "PReLU: 0 channels (want at least 1)");
}

}  // namespace
}  // namespace dagrad::nn
