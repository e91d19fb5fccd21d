#include "dagrad/core/backward.h"

#include <atomic>
#include <cmath>
#include <gtest/gtest.h>
#include <thread>
#include <utility>

#include "dagrad/core/allocator.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/module_name.h"
#include "dagrad/core/node.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "expect_error.h"

namespace dagrad {
namespace {

Tensor leaf(double value) { return scalar(value, f64).requires_grad_(); }
double value(const Tensor& t) { return t.item<double>(); }

TEST(Backward, FollowsEveryPathOfADiamond) {
  const Tensor x = leaf(3);
  const Tensor y = x * x;
  const Tensor z = y * y + y * x;  // x^4 + x^3
  z.backward();
  EXPECT_DOUBLE_EQ(value(x.grad()), 4 * 27 + 3 * 9);
}

TEST(Backward, AddsUpWhenATensorIsUsedTwiceByOneOp) {
  const Tensor x = leaf(5);
  (x * x).backward();
  EXPECT_EQ(value(x.grad()), 10);
  (x + x).backward();
  EXPECT_EQ(value(x.grad()), 12);  // a leaf accumulates until it is cleared
}

TEST(Backward, StartsFromTheGradientItIsGiven) {
  const Tensor x = tensor({1, 2, 3}, f64).requires_grad_();
  (x * 2).backward(tensor({1, 10, 100}, f64));
  EXPECT_EQ(x.grad().to_vector<int>(), (std::vector<int>{2, 20, 200}));
}

TEST(Backward, TakesSeveralOutputsAtOnce) {
  const Tensor x = leaf(2);
  const std::vector<Tensor> outputs{x * 3, x * x, x};
  backward(outputs);
  EXPECT_EQ(value(x.grad()), 3 + 4 + 1);
}

TEST(Backward, TakesListsInBraces) {
  const Tensor x = tensor({1, 2}, f64).requires_grad_(), w = tensor({3, 4}, f64).requires_grad_();
  const Tensor y = x * w;
  const std::vector<Tensor> both = grad(sum(y), {x, w}, {.create_graph = true});
  EXPECT_EQ(both[0].to_vector<double>(), (std::vector<double>{3, 4}));
  EXPECT_EQ(both[1].to_vector<double>(), (std::vector<double>{1, 2}));
  EXPECT_EQ(grad(sum(both[0] * both[0]), {w})[0].to_vector<double>(), (std::vector<double>{6, 8}));
  const std::vector<Tensor> weighed = grad({y, sum(x)}, {x}, {tensor({1, 10}, f64), {}});
  EXPECT_EQ(weighed[0].to_vector<double>(), (std::vector<double>{4, 41}));
}

TEST(Backward, DifferentiatesGradientsAgain) {
  const Tensor x = leaf(2);
  const GradOptions recorded{.create_graph = true};
  const Tensor y = x * x * x * x;
  const Tensor d1 = grad(y, x, recorded);
  const Tensor d2 = grad(d1, x, recorded);
  const Tensor d3 = grad(d2, x, recorded);
  const Tensor d4 = grad(d3, x);
  EXPECT_DOUBLE_EQ(value(d1), 32);
  EXPECT_DOUBLE_EQ(value(d2), 48);
  EXPECT_DOUBLE_EQ(value(d3), 48);
  EXPECT_DOUBLE_EQ(value(d4), 24);
  EXPECT_FALSE(x.grad().defined());  // grad() touches no leaf
}

TEST(Backward, DifferentiatesTanhToTheThirdOrder) {
  const double at = 0.3, t = std::tanh(at);
  const Tensor x = leaf(at);
  const GradOptions recorded{.create_graph = true};
  const Tensor d2 = grad(grad(tanh(x), x, recorded), x, recorded);
  EXPECT_NEAR(value(d2), -2 * t * (1 - t * t), 1e-15);
  EXPECT_NEAR(value(grad(d2, x)), (1 - t * t) * (6 * t * t - 2), 1e-15);
}

TEST(Backward, GivesGradientsOfIntermediateTensors) {
  const Tensor x = leaf(3), y = x * x, z = y * 5;
  EXPECT_EQ(value(grad(z, y)), 5);
}

TEST(Backward, WalksOnlyBetweenOutputsAndInputs) {
  const Tensor x = leaf(1), other = leaf(1);
  int visits = 0;
  const Tensor branch = other * 2;
  branch.node()->register_prehook([&](const Node&, std::span<Tensor>) { ++visits; });
  const Tensor z = x * branch;
  (void)grad(z, x, {.retain_graph = true});
  EXPECT_EQ(visits, 0);
  z.backward();
  EXPECT_EQ(visits, 1);
}

TEST(Backward, AccumulatesIntoChosenLeavesOnly) {
  const Tensor x = leaf(2), w = leaf(3);
  const Tensor y = x * w;
  BackwardOptions options;
  options.inputs = {w};
  backward({&y, 1}, {}, options);
  EXPECT_EQ(value(w.grad()), 2);
  EXPECT_FALSE(x.grad().defined());
}

TEST(Backward, FreesSavedTensorsUnlessToldToKeepThem) {
  const Tensor x = leaf(2);
  const Tensor y = tanh(x);
  y.backward({}, true);
  y.backward();
  expect_error_with<GradientError>([&] { y.backward(); }, "the saved tensors of 'tanh' recorded at");
  EXPECT_TRUE(y.node()->released());
}

TEST(Backward, NoticesInPlaceChangesOfSavedTensors) {
  Tensor x = leaf(2);
  x.set_name("weight");
  const Tensor y = square(x);
  {
    const NoGrad guard;
    x.fill_(7);
  }
  const auto says = [&](const std::string& part) { expect_error_with<GradientError>([&] { y.backward(); }, part); };
  says("backward: saved tensor 0 of 'square' recorded at ");
  says(" its input 0 'weight' f64 [], was modified in place by 'fill_' at ");
  says("backward_test.cpp:");
  says(": found version 2, saved version 1 (want the change after backward, or on a copy)");
  EXPECT_FALSE(x.grad().defined());
  *x.mutable_data<double>() = 2;  // says nothing of itself
  says("was modified in place by a write through mutable_data(): found version 3, saved version 1");
}

TEST(Backward, NoticesInPlaceChangesOfResultsThroughViews) {
  const Tensor x = tensor({1, 2}, f64).requires_grad_();
  const Tensor y = exp(x);
  Tensor part = y.detach().alias({1}, {1}, 1);
  part.zero_();
  expect_error_with<GradientError>([&] { y.backward(ones({2}, f64)); },
                                   " its result f64 [2], was modified in place by 'zero_' at ");
}

TEST(Backward, RecoversFromAnError) {
  const Tensor x = leaf(2), y = square(x);
  const int handle = y.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("stop"); });
  EXPECT_THROW(y.backward(), std::runtime_error);
  y.remove_hook(handle);
  y.backward();
  EXPECT_EQ(value(x.grad()), 4);
}

TEST(Backward, SaysWhatIsWrong) {
  const Tensor x = leaf(1), constant = scalar(1, f64);
  const Tensor v = tensor({1, 2}, f64).requires_grad_();
  expect_error_with<GradientError>([&] { constant.backward(); }, "backward: output 0 requires no gradient");
  expect_error<ShapeError>([&] { (v * 2).backward(); },
                           "backward: output 0 has shape [2] (want one element, or a gradient for it)");
  expect_error<ShapeError>([&] { (v * 2).backward(ones({3}, f64)); },
                           "backward: gradient 0 has shape [3] (want [2] like the output)");
  expect_error<DTypeError>([&] { (v * 2).backward(ones({2})); },
                           "backward: gradient 0 is f32 (want f64 like the output)");
  expect_error_with<GradientError>([&] { grad(x * 2, leaf(1)); }, "grad: no output depends on input 0, shape []");
  EXPECT_FALSE(grad(x * 2, leaf(1), {.allow_unused = true}).defined());
  expect_error_with<GradientError>([&] { grad(x * 2, constant); }, "grad: input 0 requires no gradient");
}

TEST(Backward, DoesNotRecordUnderNoGrad) {
  const Tensor x = leaf(1);
  const NoGrad guard;
  EXPECT_FALSE((x * 2).requires_grad());
}

TEST(Backward, DetachesFromHistory) {
  const Tensor x = leaf(3);
  const Tensor y = (x * x).detach() * x;
  y.backward();
  EXPECT_EQ(value(x.grad()), 9);
}

TEST(Backward, GivesLeavesGradientsOfTheirOwn) {
  // The same gradient goes to both leaves; changing one must not change the other.
  const Tensor a = leaf(1), b = leaf(1);
  (a + b).backward();
  Tensor grad_a = a.grad();
  grad_a.fill_(100);
  EXPECT_EQ(value(b.grad()), 1);
}

TEST(Hooks, SeeAndReplaceGradients) {
  const Tensor x = leaf(2), y = x * 3, z = y * 5;
  double seen = 0;
  y.register_hook([&](const Tensor& g) {
    seen = value(g);
    return g * 10;
  });
  const int removed = y.register_hook([](const Tensor& g) { return g * 1000; });
  y.remove_hook(removed);
  z.backward();
  EXPECT_EQ(seen, 5);
  EXPECT_EQ(value(x.grad()), 150);
}

TEST(Hooks, OnLeavesRunOnceWithTheWholeGradient) {
  const Tensor x = leaf(2);
  std::vector<double> seen;
  x.register_hook([&](const Tensor& g) {
    seen.push_back(value(g));
    return Tensor();
  });
  (x * 3 + x * 4).backward();
  EXPECT_EQ(seen, std::vector<double>{7});
}

TEST(Hooks, OnNodesSeeBothSides) {
  const Tensor x = leaf(2), y = x * 3;
  double before = 0, after = 0;
  y.node()->register_prehook([&](const Node&, std::span<Tensor> g) { before = value(g[0]); });
  y.node()->register_posthook([&](const Node& node, std::span<Tensor> g) {
    after = value(g[0]);
    EXPECT_EQ(node.name(), "mul_number");
    g[0] = g[0] * 2;
  });
  (y * 7).backward();
  EXPECT_EQ(before, 7);
  EXPECT_EQ(after, 21);
  EXPECT_EQ(value(x.grad()), 42);
}

TEST(Hooks, MustKeepTheShape) {
  const Tensor x = leaf(2), y = x * 3;
  y.register_hook([](const Tensor&) { return zeros({2}, f64); });
  expect_error_with<GradientError>(
      [&] { y.backward(); }, "hook on the result of 'mul_number': returned f64 [2] (want f64 [] like the gradient)");
}

TEST(Hooks, RetainGradientsOfIntermediateTensors) {
  const Tensor x = leaf(2);
  Tensor y = x * 3;
  y.retain_grad();
  (y * y).backward();
  EXPECT_EQ(value(y.grad()), 12);
}

TEST(Hooks, AddUpRetainedGradientsOverThePassesAsLeavesDo) {
  const Tensor x = leaf(2);
  const Tensor y = x * 3;
  y.retain_grad();
  const Tensor z = y * y;
  z.backward({}, true);
  (void)grad(z, x, {.retain_graph = true});  // leaves no trace
  EXPECT_EQ(value(y.grad()), 12);
  z.backward({}, true);
  EXPECT_EQ(value(y.grad()), 24);
  y.zero_grad();
  EXPECT_FALSE(y.grad().defined());
  z.backward();
  EXPECT_EQ(value(y.grad()), 12);
}

TEST(Anomaly, NamesTheOpThePlaceAndTheIndexOfTheFirstNan) {
  const Tensor x = tensor({1, 0, 4}, f64).requires_grad_();
  const AnomalyMode guard;
  // The derivative of sqrt at 0 is infinite; times 0 it is NaN.
  const Tensor y = sqrt(x) * tensor({1, 0, 1}, f64) * tensor({1, 1, 1}, f64);
  expect_error_with<GradientError>(
      [&] {
        log(x - 1);
        (log(x - 2));
      },
      "anomaly: 'log' at ");
  expect_error_with<GradientError>([&] { (void)log(x - 2); }, "gave nan at index [0] of its result [3]");
  y.backward(ones({3}, f64));  // sqrt_backward gives 0 where nothing flows in
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0.5, 0, 0.25}));
}

TEST(Anomaly, SaysWhatWentIn) {
  Tensor x = tensor({1, -3, 4}, f64).requires_grad_();
  x.set_name("scale");
  const AnomalyMode guard;
  expect_error_with<GradientError>([&] { (void)log(x); },
                                   "gave nan at index [1] of its result [3]; input 0 'scale' f64 [3] from -3 to 4");
}

TEST(Anomaly, LooksForInfinityWhenTold) {
  const Tensor x = tensor({1, 0}, f64).requires_grad_();
  {
    const AnomalyMode guard;
    EXPECT_NO_THROW((void)log(x));
  }
  const AnomalyMode guard(Anomaly::not_finite);
  expect_error_with<GradientError>([&] { (void)log(x); }, "gave -inf at index [1] of its result [2]");
  const Tensor y = sqrt(x);
  expect_error_with<GradientError>(
      [&] { y.backward(ones({2}, f64)); },
      "gave inf at index [1] of the gradient [2] of input 0; from the gradient f64 [2] from 1 to 1");
}

TEST(Anomaly, NamesTheModule) {
  const Tensor x = scalar(1, f64).requires_grad_();
  const ModuleName scope(interned("encoder.0"));
  Tensor y = x * 2;
  y.register_hook([](const Tensor&) { return scalar(NAN, f64); });
  const AnomalyMode guard;
  expect_error_with<GradientError>([&] { (void)log(x - 2); }, " in module 'encoder.0' gave nan at index []");
  expect_error_with<GradientError>([&] { y.backward(); }, " in module 'encoder.0', gave nan at index []");
}

TEST(Anomaly, FindsNanInGradients) {
  const Tensor x = tensor({1, 2}, f64).requires_grad_();
  const Tensor y = x * 2;
  y.register_hook([](const Tensor&) { return tensor({1, NAN}, f64); });
  const AnomalyMode guard;
  expect_error_with<GradientError>([&] { y.backward(ones({2}, f64)); },
                                   "anomaly: the backward of 'mul_number', recorded at ");
  expect_error_with<GradientError>([&] { y.backward(ones({2}, f64)); },
                                   "gave nan at index [1] of the gradient [2] of input 0");
}

TEST(Backward, RunsInTwoThreadsOverSeparateGraphs) {
  const auto work = [](double start) {
    for (int i = 0; i < 200; ++i) {
      const Tensor x = leaf(start);
      Tensor y = x;
      for (int k = 0; k < 50; ++k) y = tanh(y) + x;
      y.backward();
      EXPECT_TRUE(std::isfinite(value(x.grad())));
    }
  };
  std::thread other(work, 0.1);
  work(0.2);
  other.join();
}

TEST(Backward, RefusesASecondPassOverAGraphInUse) {
  const Tensor x = leaf(2), y = x * 3;
  y.register_hook([&](const Tensor&) -> Tensor {
    // A pass from within a pass over the same graph.
    expect_error_with<GradientError>([&] { y.backward(); }, "backward: another backward pass is using 'mul_number'");
    return {};
  });
  y.backward();
  EXPECT_EQ(value(x.grad()), 3);
}

/// x, whose backward says that it is done with what it was given before it gives anything.
struct Doubles {
  static constexpr std::string_view name = "doubles";
  std::size_t* freed;  // bytes
  double* diff_after;  // what the gradient that it was given is after that; NaN: empty

  Spec infer(const Tensor& x) const { return {x.shape(), x.dtype()}; }
  void forward(Forward& ctx, const Tensor& x, Tensor& dst) const {
    dst.copy_(x);
    ctx.save(full(x.shape(), 2, f64));
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    Tensor result = diff_dst * ctx.saved(0);
    const std::size_t before = allocator_statistics().live_bytes;
    ctx.done_with(diff_dst);
    ctx.done_with_saved(0);
    *freed = before - allocator_statistics().live_bytes;
    *diff_after = diff_dst.defined() ? diff_dst.to_vector<double>()[0] : NAN;
    ctx.give(0, std::move(result));
  }
};

TEST(Backward, FreesWhatAnOpIsDoneWith) {
  constexpr std::int64_t kMany = 1 << 17;
  std::size_t freed = 0;
  double diff = 0;
  const Tensor x = full({kMany}, 3, f64).requires_grad_();
  sum(apply(Doubles{&freed, &diff}, Location::current(), x) * 5).backward();
  EXPECT_GE(freed, 2 * kMany * sizeof(double));
  EXPECT_TRUE(std::isnan(diff));
  EXPECT_EQ(x.grad().to_vector<double>()[kMany - 1], 10);
}

/// 2 x, whose backward fails the first time, when it is done with what it saved.
struct FailsOnce {
  static constexpr std::string_view name = "fails_once";
  bool* fails;

  Spec infer(const Tensor& x) const { return x.spec(); }
  void forward(Forward& ctx, const Tensor& x, Tensor& dst) const {
    dst.copy_(x);
    ctx.save(Tensor());
    ctx.save(full(x.shape(), 2, f64));
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    EXPECT_FALSE(ctx.saved(0).defined()) << "was never there, so that it is not gone";
    ctx.done_with_saved(0);
    EXPECT_FALSE(ctx.saved(0).defined());
    ctx.give(0, diff_dst * ctx.saved(1));
    ctx.done_with_saved(1);
    if (std::exchange(*fails, false)) throw UsageError("fails_once: this once");
  }
};

TEST(Backward, NamesTheOpThatAFailedBackwardWasDoneWith) {
  bool fails = true;
  const Tensor x = full({2}, 3, f64).requires_grad_();
  const auto loss_of = [&] { return sum(apply(FailsOnce{&fails}, Location::current(), x)); };
  const Tensor loss = loss_of();
  expect_error<UsageError>([&] { loss.backward(); }, "fails_once: this once");
  const NodePointer node = loss.node()->edges()[0].node;
  expect_error<GradientError>([&] { loss.backward(); },
                              "backward: saved tensor 1 of 'fails_once' " + node->place() +
                                  " is gone, a backward that failed was done with it (want retain_graph = true in that "
                                  "one, or the forward once more)");
  EXPECT_FALSE(x.grad().defined());
  // As the message says:
  loss_of().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{2, 2}));
  fails = true;
  const Tensor retained = loss_of();
  expect_error<UsageError>([&] { retained.backward({}, true); }, "fails_once: this once");
  retained.backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{4, 4}));
}

TEST(Backward, KeepsWhatAnOpIsDoneWithWhereOthersReadIt) {
  std::size_t freed = 0;
  double diff = 0;
  const Tensor x = full({1024}, 3, f64).requires_grad_();
  const Tensor y = apply(Doubles{&freed, &diff}, Location::current(), x), loss = sum(y * 5);
  for (int i = 1; i <= 2; ++i) {
    loss.backward({}, true);
    EXPECT_EQ(freed, 0u);
    EXPECT_EQ(diff, 5);
    EXPECT_EQ(x.grad().to_vector<double>()[0], i * 10);
  }
  y.retain_grad();
  loss.backward();
  EXPECT_EQ(freed, 0u);
  EXPECT_EQ(y.grad().to_vector<double>()[0], 5);
}

}  // namespace
}  // namespace dagrad
