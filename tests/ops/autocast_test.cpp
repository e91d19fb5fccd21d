#include "dagrad/core/autocast.h"

#include <gtest/gtest.h>
#include <optional>
#include <thread>

#include "dagrad/core/analysis/memory_forecast.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/bf16_copy.h"
#include "dagrad/core/checkpoint.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/functional.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"

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

TEST(Autocast, SumsTheGradientsOfLinearsWeightsInF32) {
  const Tensor w = uniform({8, 16}, -1, 1).requires_grad_(), b = zeros({8}).requires_grad_(), x = rand({64, 16});
  const Tensor g = to(uniform({64, 8}, -1, 1), bf16);
  {
    const Autocast guard;
    linear(x, w, b).backward(g);
  }
  const Tensor rows = to(g, f64), want = matmul(transpose(rows), to(to(x, bf16), f64));
  const double difference = max(abs(to(w.grad(), f64) - want)).item<double>();
  EXPECT_LT(difference, 1e-5) << "64 products of up to 1, each exact in f32";
  EXPECT_LT(max(abs(to(b.grad(), f64) - sum(rows, {0}))).item<double>(), 1e-5);
  EXPECT_NE(w.grad().to_vector<float>(), to(to(w.grad(), bf16), f32).to_vector<float>()) << "they were rounded to bf16";
}

TEST(Autocast, SumsTheGradientsOfLinearsWeightsInF32ForManyRowsToo) {
  const Tensor w = uniform({64, 64}, -1, 1).requires_grad_(), x = rand({2048, 64});
  const Tensor g = to(uniform({2048, 64}, -1, 1), bf16);
  {
    const Autocast guard;
    linear(x, w, zeros({64}).requires_grad_()).backward(g);
  }
  const Tensor want = matmul(transpose(to(g, f64)), to(to(x, bf16), f64));
  EXPECT_LT(max(abs(to(w.grad(), f64) - want)).item<double>(), 2048 * 0x1p-24 * 1100);
}

TEST(Autocast, SecondDerivativesOfLinearAreThoseOfF32RoundedALittle) {
  const Tensor w = uniform({6, 8}, -1, 1).requires_grad_(), b = uniform({6}, -1, 1).requires_grad_(),
               x = uniform({5, 8}, -1, 1).requires_grad_();
  const auto second = [&](std::optional<Activation> activation) {
    const Tensor y = activation ? linear(x, w, b, *activation) : square(linear(x, w, b));
    const std::vector<Tensor> leaves{w, b, x};
    const std::vector<Tensor> first = grad(sum(square(y)), leaves, {.create_graph = true});
    return grad(sum(square(first[0])) + sum(square(first[1])) + sum(square(first[2])), leaves);
  };
  for (const std::optional<Activation> activation :
       {std::optional<Activation>(), std::optional(Activation::tanh), std::optional(Activation::gelu)}) {
    const std::vector<Tensor> exact = second(activation);
    const Autocast guard;
    const std::vector<Tensor> rounded = second(activation);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_EQ(rounded[i].dtype(), f32);
      EXPECT_LT(max(abs(rounded[i] - exact[i])).item<double>(), 0.1 * max(abs(exact[i])).item<double>());
    }
  }
}

TEST(Autocast, RoundsAParameterOnceForEachOfItsValues) {
  Tensor w = uniform({8, 16}, -1, 1).requires_grad_();
  const Tensor x = rand({4, 16});
  optim::Adam optimizer({w});
  const auto is_right = [&] {
    return rounded_to_bf16(w).to_vector<float>() == to(w.detach(), bf16).to_vector<float>();
  };
  {
    const Autocast guard;
    sum(linear(x, w)).backward();
  }
  const Tensor copy = rounded_to_bf16(w);
  EXPECT_TRUE(is_right());
  const std::vector<float> before = copy.to_vector<float>();
  optimizer.step();
  EXPECT_TRUE(rounded_to_bf16(w).is_same(copy)) << "it was rounded again, and not by the optimizer";
  EXPECT_NE(copy.to_vector<float>(), before);
  EXPECT_TRUE(is_right());
  {
    const NoGrad guard;
    w.fill_(0.3);
  }
  EXPECT_TRUE(is_right());
}

TEST(Autocast, KeepsNothingOfARehearsal) {
  const Tensor w = uniform({8, 16}, -1, 1).requires_grad_();
  {
    const Autocast guard;
    (void)forecast_step([&](const Tensor& x) { return sum(linear(x, w)); }, {Spec{{4, 16}}});
  }
  EXPECT_EQ(rounded_to_bf16(w).to_vector<float>(), to(w.detach(), bf16).to_vector<float>());
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
