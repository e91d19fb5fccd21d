#include "dagrad/ops/fused.h"

#include <gtest/gtest.h>

#include "dagrad/core/autocast.h"
#include "dagrad/core/checkpoint.h"
#include "dagrad/core/error.h"
#include "dagrad/core/node.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad {
namespace {

constexpr FusedOptions kMust{.min_elements = 2, .required = true};

/// Values and gradients of inputs that require one, by `run`.
std::vector<Tensor> results(const std::function<Tensor()>& run, const std::vector<Tensor>& inputs,
                            const Tensor& diff = {}) {
  for (const Tensor& t : inputs) t.zero_grad();
  const Tensor y = run();
  y.backward(y.dim() == 0 ? Tensor() : diff);
  std::vector<Tensor> all{y.detach()};
  for (const Tensor& t : inputs) {
    if (t.requires_grad()) all.push_back(t.grad());
  }
  return all;
}

void expect_equal(const std::vector<Tensor>& got, const std::vector<Tensor>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    ASSERT_EQ(got[k].shape(), want[k].shape()) << k;
    const auto a = got[k].to_vector<double>(), b = want[k].to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-12 * std::max(1.0, std::abs(b[i]))) << i;
  }
}

Tensor some(const Shape& shape) { return rand(shape, f64) + 0.5; }
Tensor leaf(const Shape& shape) { return some(shape).requires_grad_(); }

/// That the function runs fused and gives what its ops give, one by one.
void expect_fused(const TensorFunction& f, const std::vector<Tensor>& inputs) {
  const auto plain = [&] { return f(inputs)[0]; };
  const auto together = [&] { return fused(f, inputs, kMust)[0]; };
  EXPECT_EQ(together().node()->name(), "fused");
  const Tensor diff = some(plain().shape());
  expect_equal(results(together, inputs, diff), results(plain, inputs, diff));
}

TEST(Fused, GivesWhatTheOpsGive) {
  using T = const Tensor&;
  const Shape shape{3, 1100};  // several blocks, the last of them a part
  expect_fused([](T x, T w, T b) { return tanh(x * w + b); }, {leaf(shape), leaf(shape), leaf(shape)});
  expect_fused([](T x, T w) { return sum(exp(-x) * w - x / w); }, {leaf(shape), leaf(shape)});
  expect_fused([](T x) { return mean(square(x)); }, {leaf(shape)});
  expect_fused([](T x) { return x * sigmoid(x * 1.702); }, {leaf(shape)});
  expect_fused([](T x) { return gelu(clamp(x, 0.6, 1.2)) + pow(x, 1.5) + abs(x); }, {leaf(shape)});
  expect_fused([](T x, T w) { return maximum(x, w) + sqrt(x); }, {leaf(shape), some(shape)});
  expect_fused([](T x) { return minimum(x, 0.9) + fmod(x, 0.4) * remainder(2.5, x); }, {leaf(shape)});
  expect_fused([](T x) { return maximum(0.9, sum(x)); }, {leaf(shape)});
}

TEST(Fused, AddsProductsThatAreReadOnceOrTwice) {
  using T = const Tensor&;
  const Shape shape{300};  // two tiles and a part
  expect_fused([](T x, T y, T z) { return x * y + y * z; }, {leaf(shape), leaf(shape), leaf(shape)});
  expect_fused([](T x, T y) { return y + x * 3; }, {leaf(shape), leaf(shape)});
  expect_fused(
      [](T x, T y) {
        const Tensor product = x * y;
        return (product + y) * (product + product);
      },
      {leaf(shape), leaf(shape)});
}

TEST(Fused, AddsUpWhatReachesAnInputOnSeveralWays) {
  expect_fused([](const Tensor& x) { return x * x * x + x; }, {leaf({40})});
  const Tensor x = leaf({40});
  expect_fused([](const Tensor& a, const Tensor& b) { return a * b + a; }, {x, x});
}

TEST(Fused, TakesInputsOfOneElementAndSumsTheirGradients) {
  using T = const Tensor&;
  expect_fused([](T x, T scale, T shift) { return tanh(x * scale + shift); }, {leaf({5, 7}), leaf({1}), leaf({})});
  expect_fused([](T x, T scale) { return mean(x * exp(scale)); }, {some({5, 7}), leaf({})});
}

TEST(Fused, GoesOnWithTotals) {
  using T = const Tensor&;
  expect_fused([](T x, T y) { return sqrt(mean(square(x - y))) * 0.5 + 1; }, {leaf({30}), some({30})});
  expect_fused([](T x, T c) { return sum(x) * c; }, {leaf({30}), leaf({})});
}

TEST(Fused, GivesSeveralResults) {
  const auto f = [](const Tensor& x) { return std::vector<Tensor>{x * 2, sum(square(x)), x}; };
  const Tensor x = leaf({50});
  const auto total = [](const std::vector<Tensor>& y) { return sum(y[0] * y[2]) + y[1]; };
  expect_equal(results([&] { return total(fused(f, std::vector{x}, kMust)); }, {x}),
               results([&] { return total(f(x)); }, {x}));
}

TEST(Fused, ResultsThatNoGradientReachesRequireNone) {
  const Tensor x = leaf({50}), y = some({50});
  const auto f = [](const Tensor& a, const Tensor& b) {
    return std::vector<Tensor>{a * b, exp(b), sum(square(b)), a.detach() * 2};
  };
  const std::vector<Tensor> got = fused(f, {x, y}, kMust);
  EXPECT_TRUE(got[0].requires_grad());
  for (std::size_t k = 1; k < got.size(); ++k) EXPECT_FALSE(got[k].requires_grad()) << k;
  sum(got[0] * got[1]).backward();
  expect_equal({x.grad()}, {y * exp(y)});
}

TEST(Fused, GradientsWithoutASecondDerivativeRequireNone) {
  const Tensor x = leaf({50}), w = leaf({50});
  const auto f = [](const Tensor& a, const Tensor& b) { return sum(a * 3 + square(b)); };
  const Tensor loss = fused(f, {x, w}, kMust);
  const std::vector<Tensor> g = grad(std::vector{loss}, std::vector{x, w}, {}, {.create_graph = true});
  EXPECT_FALSE(g[0].requires_grad());
  EXPECT_TRUE(g[1].requires_grad());
  expect_equal({g[0], grad(sum(g[1]), w)}, {full({50}, 3, f64), full({50}, 2, f64)});
}

TEST(Fused, ReadsWhatTheFunctionCaptures) {
  const Tensor target = some({60}), scale = some({});
  expect_fused([&](const Tensor& x) { return mean(square(x - target)) * scale; }, {leaf({60})});
}

TEST(Fused, GivesACapturedParameterItsGradientOpByOp) {
  const Tensor x = leaf({60}), w = leaf({60});
  const auto f = [&](const Tensor& t) { return sum(t * reshape(w, {60})); };
  sum(fused(f, std::vector{x}, {.min_elements = 2})).backward();
  expect_equal({w.grad(), x.grad()}, {x.detach(), w.detach()});
}

TEST(Fused, GivesAnInputThatTheFunctionCapturesBothGradients) {
  const Tensor x = leaf({60});
  const auto f = [&](const Tensor& t) { return sum(x * tanh(t)); };
  expect_equal(results([&] { return fused(f, {x}, {.min_elements = 2}); }, {x}), results([&] { return f(x); }, {x}));
  const auto reshaped = [&](const Tensor& t) { return sum(reshape(x, {60}) * tanh(t)); };
  expect_equal(results([&] { return fused(reshaped, {x}, {.min_elements = 2}); }, {x}),
               results([&] { return f(x); }, {x}));
  const auto constant = [&](const Tensor& t) { return sum(x.detach() * tanh(t)); };
  expect_equal(results([&] { return fused(constant, {x}, kMust); }, {x}), results([&] { return constant(x); }, {x}));
}

TEST(Fused, TakesPartsOfOneTensor) {
  const Tensor both = leaf({2, 60});
  const auto f = [](const Tensor& a, const Tensor& b) { return sum(a * tanh(b)); };
  const Tensor first = select(both, 0, 0), second = select(both, 0, 1);
  expect_equal(results(
                   [&] {
                     return fused(f, {first, second}, kMust);
                   },
                   {both}),
               results([&] { return f(first, second); }, {both}));
}

TEST(Fused, CallsTheHooksOfTheFunction) {
  const auto f = [](const Tensor& t) {
    Tensor twice = t * 2;
    if (twice.requires_grad()) twice.register_hook([](const Tensor& gradient) { return gradient * 3; });
    return sum(square(twice));
  };
  const Tensor x = leaf({60});
  expect_equal(results([&] { return fused(f, {x}, kMust); }, {x}), results([&] { return f(x); }, {x}));
}

TEST(Fused, LeavesNoChangeOutThatTheFunctionMakes) {
  Tensor seen = zeros({60}, f64);
  const Tensor x = some({60});
  const auto f = [&](const Tensor& t) {
    seen.copy_(t * 2);
    return t * 3;
  };
  expect_equal({fused(f, {x}, {.min_elements = 2}), seen}, {x * 3, x * 2});
  Tensor input = some({60});
  const Tensor tripled = input * 3;
  const auto overwritten = [](const Tensor& t) {
    Tensor handle = t, result = t * 3;
    handle.zero_();
    return result;
  };
  expect_equal({fused(overwritten, {input}, {.min_elements = 2}), input}, {tripled, zeros({60}, f64)});
  const auto cleared = [&](const Tensor& t) {
    seen.zero_();
    return t * 3;
  };
  expect_equal({fused(cleared, {x}, {.min_elements = 2}), seen}, {x * 3, zeros({60}, f64)});
}

TEST(Fused, LetsTheFunctionCallBackward) {
  const Tensor x = some({60}), w = leaf({});
  const auto f = [&](const Tensor& t) {
    square(w).backward();
    return t * 2;
  };
  expect_equal({fused(f, {x}, {.min_elements = 2}), w.grad()}, {x * 2, w.detach() * 2});
}

TEST(Fused, KeepsTheInputsAlone) {
  const auto f = [](const Tensor& x, const Tensor& w) { return exp(sin(x * w)); };
  const Tensor x = leaf({50}), w = leaf({50});
  const Tensor y = fused(f, {x, w}, kMust);
  ASSERT_EQ(y.node()->saved().size(), 2);
  EXPECT_EQ(y.node()->saved()[0].tensor.storage(), x.storage());
  EXPECT_EQ(y.node()->saved()[1].tensor.storage(), w.storage());
}

TEST(Fused, HasSecondDerivatives) {
  const auto f = [](const Tensor& x) { return sum(x * x * x); };
  const Tensor x = leaf({40});
  const Tensor g = grad(fused(f, {x}, kMust), x, {.create_graph = true});
  expect_equal({grad(sum(g), x)}, {x.detach() * 6});
}

TEST(Fused, RunsInsideAndAroundACheckpoint) {
  const Tensor x = leaf({80});
  const auto f = [](const Tensor& t) { return tanh(t * 1.5); };
  const auto want = results([&] { return sum(f(x)); }, {x});
  expect_equal(results([&] { return sum(checkpoint([&](const Tensor& t) { return fused(f, {t}, kMust); }, x)); }, {x}),
               want);
  expect_equal(results([&] { return sum(fused([&](const Tensor& t) { return checkpoint(f, t); }, x)); }, {x}), want);
}

TEST(Fused, GivesTheSameBitsOnAnyNumberOfThreads) {
  const Tensor x = randn({300001}).requires_grad_(), w = randn({1}).requires_grad_();
  const auto f = [](const Tensor& a, const Tensor& b) { return mean(tanh(a * b)); };
  std::vector<std::vector<float>> seen;
  for (const int threads : {1, 2, 3}) {
    const ThreadLimit limit(threads);
    for (const Tensor& t : {x, w}) t.zero_grad();
    const Tensor y = fused(f, {x, w}, kMust);
    y.backward();
    std::vector<float> bits = x.grad().to_vector<float>();
    bits.push_back(w.grad().item<float>());
    bits.push_back(y.item<float>());
    seen.push_back(bits);
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
}

TEST(Fused, SaysWhyOpsCannotRunTogether) {
  using T = const Tensor&;
  const Tensor x = some({4, 5}), y = some({4, 5}).requires_grad_();
  const auto expect_problem = [](const TensorFunction& f, const std::vector<Tensor>& inputs, const std::string& why) {
    expect_error<UsageError>([&] { fused(f, inputs, kMust); }, "fused: the ops cannot run together: " + why);
    // Without the demand they run one by one.
    expect_equal(fused(f, inputs, {.min_elements = 2}), f(inputs));
  };
  expect_problem([](T t) { return tanh(softmax(t, 1)); }, {x},
                 "the result of 'softmax', f64 [4, 5], does not come from elementwise ops alone");
  expect_problem([](T t) { return sum(t, {1}); }, {x}, "the result of 'sum', f64 [4], is a sum over some of the axes");
  expect_problem([](T t) { return t - mean(t); }, {x},
                 "the result of 'sub', f64 [4, 5], needs a sum over all elements for each of them");
  expect_problem([](T t) { return transpose(t) * 2; }, {x},
                 "the result of 'permute', f64 [5, 4], is a part of another tensor, or broadcast");
  expect_problem([&](T t) { return t * y; }, {x},
                 "a tensor, f64 [4, 5], requires a gradient and is not among the inputs");
  expect_problem([](T t) { return t * 2; }, {transpose(x)},
                 "input 0, [5, 4], is not contiguous or has neither one element nor 20");
  expect_problem([](T t, T u) { return t * u; }, {x, some({5})},
                 "input 1, [5], is not contiguous or has neither one element nor 20");
  expect_problem([](T t) { return t * 2; }, {ones({4}, bf16)}, "input 0 is bf16 (want f32 or f64)");
  expect_problem([](T t) { return t * 2; }, {some({1})}, "there are only 1 elements");
  {
    const Autocast mixed;
    expect_problem([](T t) { return t * 2; }, {x}, "autocast is enabled");
  }
  {
    const AnomalyMode anomaly;
    expect_problem([](T t) { return t * 2; }, {x}, "the ops are watched");
  }
  expect_error<UsageError>(
      [&] {
        fused([](T t) { return t; }, {x, x}, kMust);
      },
      "fused: 2 tensors for a function of 1 (want as many)");
}

TEST(Fused, RefusesABackwardThroughWhatWasChangedSince) {
  const Tensor x = leaf({20});
  Tensor c = some({20});
  const Tensor y = fused([&](const Tensor& t) { return sum(t * c); }, {x}, kMust);
  c.fill_(1);
  expect_error_with<GradientError>([&] { y.backward(); },
                                   "fused: a tensor that the function captures, f64 [20], was modified in place by "
                                   "'fill_' at ");
}

TEST(Fused, ThrowsWhatTheFunctionThrows) {
  expect_error_with<ShapeError>([] { fused([](const Tensor& t) { return reshape(t, {7}); }, {some({20})}, kMust); },
                                "reshape: ");
}

}  // namespace
}  // namespace dagrad
