// Recurrent layers under autocast: products of bf16 with sums in f32, all else in f32.
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "dagrad/core/autocast.h"
#include "dagrad/core/backward.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

struct Network {
  std::string name;
  std::int64_t gates;
  /// output, h_n (and c_n) of two layers in both directions over in[0], with in[1 ...] for weights.
  std::function<std::vector<Tensor>(std::span<const Tensor> in, const RecurrentOptions& options)> run;
};

std::vector<RecurrentWeights> weights_of(std::span<const Tensor> in) {
  std::vector<RecurrentWeights> weights;
  for (std::size_t i = 1; i + 3 < in.size(); i += 4) weights.push_back({in[i], in[i + 1], in[i + 2], in[i + 3]});
  return weights;
}

std::vector<Network> networks() {
  return {{"rnn", 1,
           [](std::span<const Tensor> in, const RecurrentOptions& options) {
             const RnnResult r = rnn(in[0], weights_of(in), in.back(), RnnNonlinearity::tanh, options);
             return std::vector{r.output, r.h_n};
           }},
          {"gru", 3,
           [](std::span<const Tensor> in, const RecurrentOptions& options) {
             const RnnResult r = gru(in[0], weights_of(in), in.back(), options);
             return std::vector{r.output, r.h_n};
           }},
          {"lstm", 4, [](std::span<const Tensor> in, const RecurrentOptions& options) {
             const LstmResult r = lstm(in[0], weights_of(in), {in.back(), in.back()}, options);
             return std::vector{r.output, r.h_n, r.c_n};
           }}};
}

/// Of a network with two layers in both directions: x [T, 3, 5], H = 17.
std::vector<Tensor> inputs_of(const Network& n, std::int64_t steps) {
  manual_seed(7);
  constexpr std::int64_t hidden = 17;
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  std::vector<Tensor> in{uniform({steps, 3, 5}, -1, 1)};
  for (int k = 0; k < 4; ++k) {
    for (const Shape& shape : {Shape{n.gates * hidden, k < 2 ? 5 : 2 * hidden}, Shape{n.gates * hidden, hidden},
                               Shape{n.gates * hidden}, Shape{n.gates * hidden}})
      in.push_back(uniform(shape, -bound, bound));
  }
  in.push_back(uniform({4, 3, hidden}, -1, 1));
  for (Tensor& t : in) t.requires_grad_();
  return in;
}

std::vector<Tensor> in_f64(const std::vector<Tensor>& in) {
  std::vector<Tensor> wide;
  for (const Tensor& t : in) wide.push_back(to(t.detach(), f64).requires_grad_());
  return wide;
}

double largest(const Tensor& t) { return max(abs(to(t.detach(), f64))).item<double>(); }
double distance(const Tensor& a, const Tensor& b) { return largest(to(a.detach(), f64) - to(b.detach(), f64)); }

TEST(RecurrentAutocast, GivesOutputsInBf16AndStatesAndGradientsInF32) {
  for (const Network& n : networks()) {
    const std::vector<Tensor> in = inputs_of(n, 4);
    std::vector<Tensor> results;
    {
      const Autocast guard;
      results = n.run(in, {.bidirectional = true});
    }
    EXPECT_EQ(results[0].dtype(), bf16) << n.name;
    for (std::size_t i = 1; i < results.size(); ++i) EXPECT_EQ(results[i].dtype(), f32) << n.name;
    for (const Tensor& gradient : grad(sum(square(results[1])) + sum(to(results[0], f32)), in))
      EXPECT_EQ(gradient.dtype(), f32) << n.name;
  }
}

// A step rounds each operand once, by at most 2^-9 of itself, and passes on what came before it times at most about 1.
TEST(RecurrentAutocast, AgreesWithF64WithinTheRoundingsOfItsOperands) {
  constexpr std::int64_t steps = 8;
  for (const Network& n : networks()) {
    for (const bool masked : {false, true}) {
      const RecurrentOptions options{.bidirectional = true, .lengths = masked ? to(tensor({8, 3, 5}), i64) : Tensor()};
      const std::vector<Tensor> in = inputs_of(n, steps), wide = in_f64(in);
      const auto loss_of = [](const std::vector<Tensor>& results) {
        Tensor loss = sum(square(results[1]));
        return loss + sum(to(results[0], loss.dtype()) * 0.25);
      };
      const std::vector<Tensor> want = n.run(wide, options), want_gradients = grad(loss_of(n.run(wide, options)), wide);
      const Autocast guard;
      const std::vector<Tensor> got = n.run(in, options), got_gradients = grad(loss_of(n.run(in, options)), in);
      constexpr double bound = (2 * steps + 2) * 0x1p-9;  // two layers
      for (std::size_t i = 0; i < want.size(); ++i) {
        EXPECT_LT(distance(got[i], want[i]), bound * largest(want[i])) << n.name << ", result " << i;
        EXPECT_GT(distance(got[i], want[i]), 1e-5) << n.name << ", result " << i << " was not rounded";
      }
      for (std::size_t i = 0; i < in.size(); ++i)
        EXPECT_LT(distance(got_gradients[i], want_gradients[i]), 2 * bound * largest(want_gradients[i]))
            << n.name << ", gradient " << i;
    }
  }
}

// With x 0 and weight_hh 1, h becomes h_0 as bf16 plus a bias that bf16 would lose.
TEST(RecurrentAutocast, RoundsTheOperandsOfProductsAndNothingElse) {
  const RecurrentWeights w{zeros({1, 1}), ones({1, 1}), full({1}, 0x1p-12), {}};
  const Autocast guard;
  const RnnResult result = rnn(zeros({1, 1, 1}), std::span(&w, 1), full({1, 1, 1}, 1 + 0x1p-12), RnnNonlinearity::relu);
  EXPECT_EQ(result.h_n.item<float>(), 1 + 0x1p-12F) << "the state loses its 2^-12, and the bias adds one";
}

TEST(RecurrentAutocast, SumsProductsInF32) {
  constexpr std::int64_t inputs = 64;
  Tensor x = full({1, 1, inputs}, 0x1p-10);
  select(x, 2, 0).fill_(1);
  const RecurrentWeights w{ones({1, inputs}), zeros({1, 1}), {}, {}};
  const Autocast guard;
  const RnnResult result = rnn(x, std::span(&w, 1), {}, RnnNonlinearity::relu);
  EXPECT_EQ(result.h_n.item<float>(), 1 + 63 * 0x1p-10F) << "a sum in bf16 would stay at 1";
}

TEST(RecurrentAutocast, SecondDerivativesAreThoseOfF64RoundedALittle) {
  for (const Network& n : networks()) {
    const std::vector<Tensor> in = inputs_of(n, 3), wide = in_f64(in);
    const auto second = [&](const std::vector<Tensor>& at) {
      const Tensor loss = sum(square(n.run(at, {.bidirectional = true})[1]));
      Tensor total;
      for (const Tensor& g : grad(loss, at, {.create_graph = true}))
        total = total.defined() ? total + sum(square(g)) : sum(square(g));
      return grad(total, at);
    };
    const std::vector<Tensor> want = second(wide);
    const Autocast guard;
    const std::vector<Tensor> got = second(in);
    for (std::size_t i = 0; i < in.size(); ++i) {
      EXPECT_EQ(got[i].dtype(), f32);
      EXPECT_LT(distance(got[i], want[i]), 0.05 * largest(want[i])) << n.name << ", input " << i;
    }
  }
}

TEST(RecurrentAutocast, AlsoOfSequencesWithoutInputsOrRows) {
  const Autocast guard;
  for (const Network& n : networks()) {
    std::vector<Tensor> in{zeros({3, 2, 0}),    zeros({n.gates * 2, 0}), ones({n.gates * 2, 2}),
                           ones({n.gates * 2}), ones({n.gates * 2}),     ones({1, 2, 2})};
    for (Tensor& t : in) t.requires_grad_();
    const std::vector<Tensor> results = n.run(in, {});
    EXPECT_EQ(results[0].shape(), (Shape{3, 2, 2}));
    EXPECT_GT(largest(results[1]), 0);
    EXPECT_GT(largest(grad(sum(results[1]), in[2])), 0) << n.name;
  }
}

}  // namespace
}  // namespace dagrad
