#include "dagrad/ops/recurrent.h"

#include <functional>
#include <gtest/gtest.h>

#include "dagrad/core/allocator.h"
#include "dagrad/core/gradcheck.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

/// sum(output^3) + sum(h_n^2) of a network over x with the weights in[1 ...].
using Loss = std::function<Tensor(std::span<const Tensor> in)>;

Tensor loss_of(const Tensor& output, const Tensor& h_n) { return sum(output * output * output) + sum(h_n * h_n); }

std::vector<std::pair<const char*, Loss>> losses() {
  return {{"rnn",
           [](std::span<const Tensor> in) {
             const RecurrentWeights w{in[1], in[2], in[3], in[4]};
             const RnnResult result = rnn(in[0], std::span(&w, 1), in[5]);
             return loss_of(result.output, result.h_n);
           }},
          {"gru",
           [](std::span<const Tensor> in) {
             const RecurrentWeights w{in[1], in[2], in[3], in[4]};
             const RnnResult result = gru(in[0], std::span(&w, 1), in[5]);
             return loss_of(result.output, result.h_n);
           }},
          {"lstm", [](std::span<const Tensor> in) {
             const RecurrentWeights w{in[1], in[2], in[3], in[4]};
             const LstmResult result = lstm(in[0], std::span(&w, 1), {in[5], in[5]});
             return loss_of(result.output, result.h_n + result.c_n);
           }}};
}

std::vector<Tensor> inputs_of(std::string_view name, DType dtype, std::int64_t steps, std::int64_t hidden) {
  manual_seed(11);
  const std::int64_t rows = (name == "lstm" ? 4 : name == "gru" ? 3 : 1) * hidden;
  std::vector<Tensor> result;
  for (const Shape& shape :
       {Shape{steps, 2, 3}, Shape{rows, 3}, Shape{rows, hidden}, Shape{rows}, Shape{rows}, Shape{1, 2, hidden}})
    result.push_back(to(uniform(shape, -0.5, 0.5), dtype).requires_grad_());
  return result;
}

/// The gradient of sum(gradient * gradient) of a loss: second derivatives.
std::vector<Tensor> second(const Loss& loss, const std::vector<Tensor>& in) {
  Tensor total;
  for (const Tensor& g : grad(loss(in), in, {.create_graph = true})) {
    const Tensor part = sum(g * g);
    total = total.defined() ? total + part : part;
  }
  return grad(total, in);
}

TEST(RecurrentOps, HaveSecondDerivativesInF32AsInF64) {
  for (const auto& [name, loss] : losses()) {
    const std::vector<Tensor> got = second(loss, inputs_of(name, f32, 5, 4)),
                              want = second(loss, inputs_of(name, f64, 5, 4));
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double largest = max(abs(want[i])).item<double>();
      EXPECT_GT(largest, 1e-3) << name << ", input " << i;
      EXPECT_LT(max(abs(to(got[i], f64) - want[i])).item<double>(), 1e-4 * largest) << name << ", input " << i;
    }
  }
}

TEST(RecurrentOps, HaveThirdDerivatives) {
  for (const auto& [name, loss] : losses()) {
    const std::vector<Tensor> in = inputs_of(name, f64, 2, 1);
    // Of one gradient by another input: x, weight_hh.
    const auto f = [&loss = loss](std::span<const Tensor> at) {
      const std::vector<Tensor> all(at.begin(), at.end());
      return grad(std::vector{loss(all)}, std::vector{all[0], all[2]}, {}, {.create_graph = true});
    };
    EXPECT_TRUE(passes(gradgradcheck(f, in, {.max_elements = 2}))) << name;
  }
}

TEST(RecurrentOps, KeepTheirGatesWhileABackwardMayComeAgain) {
  for (const auto& [name, loss] : losses()) {
    const std::vector<Tensor> in = inputs_of(name, f32, 5, 4);
    const std::vector<Tensor> want = grad(loss(in), in);
    const Tensor kept = loss(in);
    for (const bool retain : {true, true, false}) {
      const std::vector<Tensor> got = grad(kept, in, {.retain_graph = retain});
      for (std::size_t i = 0; i < in.size(); ++i)
        EXPECT_EQ(got[i].to_vector<float>(), want[i].to_vector<float>()) << name << ", input " << i;
    }
  }
}

TEST(RecurrentOps, WriteTheGradientOfTheGatesOverThem) {
  const ThreadLimit one(1);
  for (const auto& [name, loss] : losses()) {
    const std::vector<Tensor> in = inputs_of(name, f32, 400, 64);
    const auto rise = [&in](const Tensor& of, bool retain) {
      const std::size_t before = allocator_statistics().live_bytes;
      reset_peak_bytes();
      (void)grad(of, in, {.retain_graph = retain});
      return allocator_statistics().peak_bytes - before;
    };
    if (std::string_view(name) == "rnn") continue;  // its state is its only gate, and a result
    const std::size_t gates = 4 * 400 * 2 * static_cast<std::size_t>(in[1].size(0));
    const std::size_t retaining = rise(loss(in), true), final = rise(loss(in), false);
    EXPECT_GE(retaining, final + gates - gates / 4) << name;  // statistics are good to 64 KiB
  }
}

TEST(RecurrentOps, MakeNoPrimitiveOnceWarm) {
  for (const auto& [name, loss] : losses()) {
    const std::vector<Tensor> in = inputs_of(name, f32, 12, 16);
    (void)grad(loss(in), in);
    const std::uint64_t made = onednn::statistics().primitives_created;
    (void)grad(loss(in), in);
    EXPECT_EQ(onednn::statistics().primitives_created, made) << name;
  }
}

}  // namespace
}  // namespace dagrad
