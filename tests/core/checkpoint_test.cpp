#include "dagrad/core/checkpoint.h"

#include <cmath>
#include <gtest/gtest.h>
#include <thread>

#include "dagrad/core/allocator.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/core/tape.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Doubles = std::vector<double>;

Tensor leaf(const Shape& shape) { return randn(shape, f64).requires_grad_(); }

TEST(Checkpoint, GivesTheSameGradientsToTheLastBit) {
  const Tensor w = leaf({4, 4}), x = leaf({3, 4});
  int calls = 0;
  const auto block = [&](const Tensor& t) {
    ++calls;
    return tanh(matmul(t, w)) * sigmoid(t);
  };
  sum(square(block(x))).backward();
  const auto want_w = w.grad().to_vector<double>(), want_x = x.grad().to_vector<double>();
  w.zero_grad();
  x.zero_grad();
  calls = 0;
  const Tensor loss = sum(square(checkpoint(block, x)));
  EXPECT_EQ(calls, 1);
  loss.backward();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(w.grad().to_vector<double>(), want_w);  // w is no argument, and yet gets its gradient
  EXPECT_EQ(x.grad().to_vector<double>(), want_x);
}

TEST(Checkpoint, LetsGoOfWhatTheFunctionMade) {
  const Tensor x = leaf({1000});
  const auto block = [](const Tensor& t) {
    Tensor h = t;
    for (int i = 0; i < 50; ++i) h = sin(h);
    return h;
  };
  const auto live = [] { return allocator_statistics().live_bytes; };
  const auto before = live();
  {
    const Tensor y = block(x);
    EXPECT_GT(live() - before, 49 * 8000u);
  }
  const Tensor y = checkpoint(block, x);
  EXPECT_LT(live() - before, 2 * 8000u + 50 * 700u);  // nodes stay
}

TEST(Checkpoint, LeavesNothingBehindWithoutABackward) {
  const std::size_t before = Tape::current().size();
  {
    const Tensor x = leaf({3});
    const Tensor y = checkpoint([](const Tensor& t) { return exp(tanh(exp(t))); }, x);
    EXPECT_GT(Tape::current().size(), before);
  }
  EXPECT_EQ(Tape::current().size(), before);
}

TEST(Checkpoint, RepeatsTheRandomNumbersOfEveryGenerator) {
  Generator own(7);
  const auto block = [&](const Tensor& t) {
    Generator inside(3);
    return dropout(tanh(dropout(t, 0.5)), 0.5, own) * rand({20}, f64) + dropout(t, 0.5, inside);
  };
  const Tensor x = ones({20}, f64).requires_grad_();
  manual_seed(1);
  own.set_position(5);
  sum(square(block(x))).backward();
  const auto want = x.grad().to_vector<double>();
  const auto after = default_generator().position(), own_after = own.position();
  x.zero_grad();
  manual_seed(1);
  own.set_position(5);
  const Tensor loss = sum(square(checkpoint(block, x)));
  manual_seed(99);  // what comes between does not matter
  (void)randn({5});
  const auto between = default_generator().position();
  loss.backward();
  EXPECT_EQ(x.grad().to_vector<double>(), want);
  EXPECT_EQ(default_generator().position(), between);  // the second call took nothing
  EXPECT_EQ(default_generator().seed(), 99u);
  EXPECT_EQ(own.position(), own_after);
  EXPECT_GT(after, 0u);
}

TEST(Checkpoint, NoticesAGeneratorThatWasSeededAnew) {
  Generator own(7);
  const Tensor x = ones({4}, f64).requires_grad_();
  const Tensor y = checkpoint([&](const Tensor& t) { return exp(dropout(t, 0.5, own)); }, x);
  own.manual_seed(8);
  expect_error_with<GradientError>([&] { sum(y).backward(); }, "checkpoint: a random generator was seeded anew");
}

TEST(Checkpoint, WorksInsideAnother) {
  const Tensor x = leaf({5}), w = leaf({5});
  int outer_calls = 0, inner_calls = 0;
  const auto inner = [&](const Tensor& t) {
    ++inner_calls;
    return sin(tanh(t * w));
  };
  const auto outer = [&](const Tensor& t) {
    ++outer_calls;
    Tensor h = exp(t);
    for (int i = 0; i < 3; ++i) h = checkpoint(inner, h) + dropout(h, 0.3);
    return h;
  };
  manual_seed(4);
  const auto want = grad(std::vector{sum(outer(x))}, std::vector{x, w});
  outer_calls = inner_calls = 0;
  manual_seed(4);
  const auto got = grad(std::vector{sum(checkpoint(outer, x))}, std::vector{x, w});
  EXPECT_EQ(outer_calls, 2);
  EXPECT_EQ(inner_calls, 3 + 3 + 3);  // forward, again for the outer's second call, and for the backward
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(got[i].to_vector<double>(), want[i].to_vector<double>());
}

TEST(Checkpoint, InsideAnotherLetsGoOfItsInputs) {
  const Tensor x = leaf({1000});
  const auto outer = [](const Tensor& t) {
    Tensor h = t;
    for (int i = 0; i < 20; ++i) h = checkpoint([](const Tensor& u) { return sin(u) * cos(u); }, h);
    return h;
  };
  const auto before = allocator_statistics().live_bytes;
  const Tensor y = checkpoint(outer, x);
  EXPECT_LT(allocator_statistics().live_bytes - before, 2 * 8000u + 20 * 4000u);
  Tensor want = x.detach().requires_grad_();
  sum(outer(want)).backward();
  sum(y).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), want.grad().to_vector<double>());
}

TEST(Checkpoint, UpdatesRunningStatisticsOnce) {
  nn::BatchNorm1d plain(3), recomputed(3);
  const Tensor x = randn({8, 3}).requires_grad_();
  const auto loss = [&](const Tensor& y) { return sum(y * y * y); };
  loss(plain(x)).backward();
  const auto want = x.grad().to_vector<float>();
  x.zero_grad();
  loss(checkpoint([&](const Tensor& t) { return recomputed(t); }, x)).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), want);
  EXPECT_EQ(recomputed.running_mean.to_vector<float>(), plain.running_mean.to_vector<float>());
  EXPECT_EQ(recomputed.running_var.to_vector<float>(), plain.running_var.to_vector<float>());
  EXPECT_EQ(recomputed.num_batches_tracked.item<int>(), 1);
}

TEST(Checkpoint, CanBeDifferentiatedTwiceAndMore) {
  const auto f = [](std::span<const Tensor> in) {
    return checkpoint(
        [](const Tensor& a, const Tensor& b) {
          return checkpoint([](const Tensor& t) { return tanh(t) * t; }, exp(a) * b) + a;
        },
        in[0], in[1]);
  };
  const std::vector<Tensor> at{leaf({3}), leaf({3})};
  EXPECT_TRUE(passes(gradcheck(f, at)));
  EXPECT_TRUE(passes(gradgradcheck(f, at)));
  const Tensor x = scalar(2, f64).requires_grad_();
  const GradOptions recorded{.create_graph = true};
  const Tensor y = checkpoint([](const Tensor& t) { return t * t * t * t; }, x);
  EXPECT_EQ(grad(grad(grad(y, x, recorded), x, recorded), x).item<double>(), 48);
}

TEST(Checkpoint, HoldsAGradientInsideTheFunction) {
  const auto f = [](const Tensor& t) {  // |grad of sum t^3|^2 = 9 t^4
    return sum(square(grad(sum(t * t * t), t, {.create_graph = true})));
  };
  const Tensor x = tensor({1, 2}, f64).requires_grad_();
  const Tensor y = checkpoint(f, x);
  EXPECT_EQ(y.item<double>(), 9 + 9 * 16);
  y.backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (Doubles{36, 36 * 8}));
}

TEST(Checkpoint, ComputesOnceForARetainedGraph) {
  int calls = 0;
  const Tensor x = leaf({3});
  const Tensor y = sum(checkpoint(
      [&](const Tensor& t) {
        calls += recomputing() ? 100 : 1;
        return exp(sin(t));
      },
      x));
  const auto first = grad(y, x, {.retain_graph = true}).to_vector<double>();
  EXPECT_EQ(calls, 101);
  EXPECT_EQ(grad(y, x).to_vector<double>(), first);
  EXPECT_EQ(calls, 101);
  expect_error_with<GradientError>([&] { (void)grad(y, x); }, "are gone, an earlier backward freed them");
}

TEST(Checkpoint, TakesAndGivesSeveralTensors) {
  const auto f = [](const Tensor& a, const Tensor& b) { return std::vector<Tensor>{exp(a * b), sin(a), a}; };
  const Tensor a = leaf({2}), b = leaf({2});
  const auto outputs = checkpoint(f, a, b);
  const auto plain = f(a, b);
  for (std::size_t k = 0; k < 3; ++k) {
    const auto got =
        grad(std::vector{sum(outputs[k])}, std::vector{a, b}, {}, {.retain_graph = true, .allow_unused = true});
    const auto want =
        grad(std::vector{sum(plain[k])}, std::vector{a, b}, {}, {.retain_graph = true, .allow_unused = true});
    for (std::size_t i = 0; i < 2; ++i) {
      ASSERT_EQ(got[i].defined(), want[i].defined());
      if (got[i].defined()) {
        EXPECT_EQ(got[i].to_vector<double>(), want[i].to_vector<double>());
      }
    }
  }
}

TEST(Checkpoint, IsJustTheFunctionUnderNoGrad) {
  const NoGrad guard;
  const Tensor y = checkpoint([](const Tensor& t) { return t * 2; }, leaf({2}));
  EXPECT_FALSE(y.requires_grad());
}

TEST(Checkpoint, MayBeDifferentiatedInAnotherThread) {
  const Tensor x = leaf({6});
  manual_seed(3);
  const auto block = [](const Tensor& t) { return exp(dropout(sin(t), 0.5)); };
  const auto want = grad(sum(block(x)), x).to_vector<double>();
  manual_seed(3);
  const Tensor y = sum(checkpoint(block, x));
  std::vector<double> got;
  std::thread other([&] { got = grad(y, x).to_vector<double>(); });
  other.join();
  EXPECT_EQ(got, want);
}

TEST(Checkpoint, NoticesInPlaceChanges) {
  Tensor x = leaf({2}), w = leaf({2}), constant = ones({2}, f64);
  w.set_name("weight");
  const auto block = [&](const Tensor& t) { return exp((t + w) * (constant + 0)) * constant; };
  const auto says = [&](Tensor& changed, const std::string& part) {
    const Tensor y = sum(checkpoint(block, x));
    {
      const NoGrad guard;
      changed.fill_(0.5);
    }
    expect_error_with<GradientError>([&] { y.backward(); }, part);
  };
  says(x, "checkpoint: input 0, f64 [2], was modified in place by 'fill_' at ");
  says(w, "checkpoint: input 1 'weight' of 'add' recorded at ");
  says(constant, "checkpoint: a tensor that the function uses, f64 [2], was modified in place by 'fill_' at ");
}

TEST(Checkpoint, NoticesAFunctionThatChangesItsMind) {
  const Tensor x = leaf({2});
  int calls = 0;
  const Tensor more = sum(checkpoint([&](const Tensor& t) { return ++calls == 1 ? exp(t) : exp(sin(t)); }, x));
  expect_error_with<GradientError>([&] { more.backward(); },
                                   "checkpoint: the function recorded other ops, or other shapes");
  calls = 0;
  const Tensor fewer = sum(checkpoint([&](const Tensor& t) { return ++calls == 1 ? exp(sin(t)) : exp(t); }, x));
  expect_error_with<GradientError>([&] { fewer.backward(); }, "checkpoint: the function recorded other ops");
  calls = 0;
  const Tensor draws = sum(checkpoint(
      [&](const Tensor& t) {
        if (++calls == 2) (void)rand({2});
        return exp(sin(t));
      },
      x));
  expect_error_with<GradientError>([&] { draws.backward(); }, "draws more random numbers when it is computed again");
}

TEST(Checkpoint, PassesOnWhatTheFunctionThrows) {
  const Tensor x = leaf({2});
  EXPECT_THROW(checkpoint([](const Tensor&) -> Tensor { throw std::runtime_error("stop"); }, x), std::runtime_error);
  int calls = 0;
  const Tensor y = sum(checkpoint(
      [&](const Tensor& t) {
        if (++calls == 2) throw std::runtime_error("stop");
        return exp(sin(t));
      },
      x));
  EXPECT_THROW(y.backward(), std::runtime_error);
  y.backward();  // the third call is let through
  EXPECT_TRUE(x.grad().defined());
}

TEST(Checkpoint, ServesModulesWithDropout) {
  manual_seed(0);
  nn::Sequential net(nn::Linear(8, 16), nn::Tanh(), nn::Dropout(0.5), nn::Linear(16, 4));
  const Tensor x = randn({5, 8});
  const auto gradients = [&](bool with_checkpoint) {
    nn::Sequential copy = nn::deep_copy(net);
    const Tensor y = with_checkpoint ? checkpoint([&](const Tensor& t) { return copy(t); }, x) : copy(x);
    sum(square(y)).backward();
    std::vector<std::vector<float>> result;
    for (const Tensor& p : copy.parameters()) result.push_back(p.grad().to_vector<float>());
    return result;
  };
  EXPECT_EQ(gradients(true), gradients(false));
}

}  // namespace
}  // namespace dagrad
