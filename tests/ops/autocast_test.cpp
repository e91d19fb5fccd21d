#include "dagrad/core/autocast.h"

#include <gtest/gtest.h>
#include <thread>

#include "dagrad/core/backward.h"
#include "dagrad/core/checkpoint.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/functional.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

TEST(Autocast, IsOffUnlessAskedFor) {
  const Tensor a = ones({2, 2});
  EXPECT_EQ(matmul(a, a).dtype(), f32);
  {
    const Autocast guard;
    EXPECT_TRUE(autocast_enabled());
    EXPECT_EQ(matmul(a, a).dtype(), bf16);
    const Autocast off(false);
    EXPECT_EQ(matmul(a, a).dtype(), f32);
    std::thread([] { EXPECT_FALSE(autocast_enabled()); }).join();
  }
  EXPECT_FALSE(autocast_enabled());
}

TEST(Autocast, RunsProductsInBf16) {
  const Autocast guard;
  const Tensor a = ones({3, 4}), b = ones({4, 5}), w = ones({5, 4}), bias = ones({5});
  EXPECT_EQ(matmul(a, b).dtype(), bf16);
  EXPECT_EQ(bmm(ones({2, 3, 4}), ones({2, 4, 5})).dtype(), bf16);
  EXPECT_EQ(linear(a, w, bias).dtype(), bf16);
  EXPECT_EQ(linear(a, w, bias, Activation::gelu).dtype(), bf16);
  EXPECT_EQ(linear(a, w, bias, Activation::tanh).dtype(), bf16);
  EXPECT_EQ(einsum("ij,jk->ik", {a, b}).dtype(), bf16);
  EXPECT_EQ(conv2d(ones({1, 2, 5, 5}), ones({3, 2, 3, 3}), ones({3})).dtype(), bf16);
  EXPECT_EQ(conv_transpose2d(ones({1, 2, 5, 5}), ones({2, 3, 3, 3}), ones({3})).dtype(), bf16);
  EXPECT_EQ(matmul(to(a, bf16), b).dtype(), bf16);  // of mixed types
}

TEST(Autocast, RunsRecurrentLayersInBf16) {
  const std::vector<RecurrentWeights> weights{{ones({12, 4}), ones({12, 3}), ones({12}), ones({12})},
                                              {ones({12, 3}), ones({12, 3}), ones({12}), ones({12})}};
  const Autocast guard;
  const auto result = lstm(ones({5, 2, 4}), weights);
  EXPECT_EQ(result.output.dtype(), bf16);
  EXPECT_EQ(lstm(to(ones({5, 2, 4}), bf16), weights).output.dtype(), bf16);
}

TEST(Autocast, RunsWhatRoundingHurtsInF32) {
  const Autocast guard;
  const Tensor x = to(rand({4, 6}), bf16), labels = arange(0, 4);
  EXPECT_EQ(sum(x).dtype(), f32);
  EXPECT_EQ(mean(x, {1}).dtype(), f32);
  EXPECT_EQ(log_softmax(x).dtype(), f32);
  EXPECT_EQ(exp(x).dtype(), f32);
  EXPECT_EQ(log(x).dtype(), f32);
  EXPECT_EQ(pow(x, 2.5).dtype(), f32);
  EXPECT_EQ(layer_norm(x, {6}, ones({6}), ones({6})).dtype(), f32);
  EXPECT_EQ(cross_entropy(x, labels).dtype(), f32);
  EXPECT_EQ(cross_entropy(x, labels, {.weight = ones({6})}).dtype(), f32);
  EXPECT_EQ(cross_entropy(x, rand({4, 6})).dtype(), f32);
  EXPECT_EQ(nll_loss(x, labels).dtype(), f32);
  EXPECT_EQ(mse_loss(x, rand({4, 6})).dtype(), f32);
  EXPECT_EQ(huber_loss(x, rand({4, 6})).dtype(), f32);
  EXPECT_EQ(binary_cross_entropy_with_logits(x, rand({4, 6}), {.pos_weight = ones({6})}).dtype(), f32);
  EXPECT_EQ(kl_div(x, rand({4, 6})).dtype(), f32);
}

TEST(Autocast, MeetsMixedTypesInTheWidest) {
  const Autocast guard;
  const Tensor narrow = to(ones({3}), bf16), wide = ones({3});
  EXPECT_EQ((narrow + wide).dtype(), f32);
  EXPECT_EQ((wide * narrow).dtype(), f32);
  EXPECT_EQ((narrow - narrow).dtype(), bf16);
  EXPECT_EQ(maximum(narrow, wide).dtype(), f32);
  EXPECT_EQ(cat({narrow, wide}).dtype(), f32);
  EXPECT_EQ(stack({narrow, wide}).dtype(), f32);
  EXPECT_EQ(where(eq(narrow, wide), narrow, wide).dtype(), f32);
  EXPECT_EQ(relu(narrow).dtype(), bf16);
  EXPECT_EQ(relu(wide).dtype(), f32);
}

TEST(Autocast, LeavesF64AndIntegersAlone) {
  const Autocast guard;
  const Tensor a = ones({2, 2}, f64);
  EXPECT_EQ(matmul(a, a).dtype(), f64);
  EXPECT_THROW(matmul(a, ones({2, 2})), DTypeError);
  EXPECT_EQ((arange(0, 3) + arange(0, 3)).dtype(), i64);
}

TEST(Autocast, GivesParametersGradientsInTheirOwnType) {
  const Tensor w = uniform({8, 16}, -1, 1).requires_grad_(), x = rand({4, 16}), target = rand({4, 8});
  const auto loss = [&] { return mse_loss(linear(x, w), target); };
  const Tensor exact = grad(loss(), w);
  Tensor rounded;
  {
    const Autocast guard;
    rounded = grad(loss(), w);
  }
  EXPECT_EQ(w.dtype(), f32);
  EXPECT_EQ(rounded.dtype(), f32);
  const double difference = max(abs(rounded - exact)).item<double>();
  EXPECT_GT(difference, 0);
  EXPECT_LT(difference, 0.03 * max(abs(exact)).item<double>());
}

TEST(Autocast, RunsABackwardInTheTypesOfItsForward) {
  const Tensor w = uniform({8, 16}, -1, 1).requires_grad_(), x = rand({4, 16});
  const Tensor recorded_outside = sum(square(linear(x, w)));
  const Tensor want = grad(recorded_outside, w, {.retain_graph = true});
  const Autocast guard;
  EXPECT_EQ(grad(recorded_outside, w).to_vector<float>(), want.to_vector<float>());
  // And so does a second derivative.
  const auto f = [&](const Tensor& t) { return sum(square(linear(x, t))); };
  const Tensor v = ones_like(w);
  EXPECT_EQ(hvp(f, w, v).product.dtype(), f32);
}

TEST(Autocast, IsAsItWasWhenACheckpointComputesAgain) {
  const Tensor w = uniform({8, 8}, -1, 1).requires_grad_(), x = rand({4, 8}).requires_grad_();
  const auto block = [&](const Tensor& t) { return tanh(linear(t, w)); };
  const auto gradients = [&](bool with_checkpoint) {
    Tensor loss;
    {
      const Autocast guard;
      loss = sum(square(with_checkpoint ? checkpoint(block, x) : block(x)));
    }
    return grad(loss, w).to_vector<float>();
  };
  EXPECT_EQ(gradients(true), gradients(false));
}

TEST(Autocast, DoesNotReachIntoKernels) {
  // The gradient of this loss is itself computed by products of f32.
  const Tensor x = rand({6, 6}).requires_grad_();
  const Autocast guard;
  EXPECT_NO_THROW(sum(layer_norm(matmul(x, x), {6})).backward());
  EXPECT_EQ(x.grad().dtype(), f32);
}

}  // namespace
}  // namespace dagrad
