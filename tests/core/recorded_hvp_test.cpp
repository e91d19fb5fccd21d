// Hessian-vector products of recorded tensors, and gradients whose elements nobody reads.
#include <functional>
#include <gtest/gtest.h>
#include <ostream>
#include <string>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/functional.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/op.h"
#include "dagrad/core/random.h"
#include "dagrad/ops/ops.h"
#include "expect_close.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Doubles = std::vector<double>;

/// The product as it is written by hand: two calls of grad.
std::vector<Tensor> by_two_gradients(const Tensor& loss, const std::vector<Tensor>& w, const std::vector<Tensor>& v) {
  const std::vector<Tensor> g = grad(loss, w, {.create_graph = true});
  Tensor dot = sum(g[0] * v[0]);
  for (std::size_t i = 1; i < g.size(); ++i) dot = dot + sum(g[i] * v[i]);
  return grad(dot, w);
}

struct Case {
  std::string name;
  std::function<Tensor(const std::vector<Tensor>&)> loss;
  std::vector<Tensor> w;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Tensor leaf(const Shape& shape) { return randn(shape, f64).requires_grad_(); }

std::vector<Case> cases() {
  manual_seed(7);
  const Tensor x = randn({5, 3}, f64), image = randn({2, 2, 5, 4}, f64), batch = randn({2, 5, 3}, f64);
  const std::vector<Tensor> layers{leaf({4, 3}), leaf({4}), leaf({2, 4}), leaf({2})};
  std::vector<Case> all;
  all.push_back(
      {"linear layers",
       [=](const std::vector<Tensor>& w) { return sum(square(linear(tanh(linear(x, w[0], w[1])), w[2], w[3]))); },
       layers});
  all.push_back({"linear with an activation and without a bias",
                 [=](const std::vector<Tensor>& w) {
                   const Tensor hidden = linear(x, w[0], w[1], Activation::tanh);
                   return sum(square(sigmoid(linear(hidden, w[2]))));
                 },
                 {layers[0], layers[1], layers[2]}});
  all.push_back({"products",
                 [=](const std::vector<Tensor>& w) { return sum(exp(matmul(tanh(matmul(x, w[0])), w[1]))); },
                 {leaf({3, 4}), leaf({4, 2})}});
  all.push_back({"products of a batch",
                 [=](const std::vector<Tensor>& w) { return sum(exp(matmul(batch, w[0]))); },
                 {leaf({3, 4})}});
  all.push_back({"weights that are used twice",
                 [=](const std::vector<Tensor>& w) { return sum(tanh(matmul(tanh(matmul(x, w[0])), w[0]))); },
                 {leaf({3, 3})}});
  all.push_back({"weights that are products of others",
                 [=](const std::vector<Tensor>& w) { return sum(tanh(matmul(x, matmul(w[0], w[1])))); },
                 {leaf({3, 2}), leaf({2, 4})}});
  all.push_back(
      {"convolutions",
       [=](const std::vector<Tensor>& w) { return sum(square(conv2d(tanh(conv2d(image, w[0], w[1])), w[2]))); },
       {leaf({3, 2, 2, 2}), leaf({3}), leaf({2, 3, 2, 2})}});
  return all;
}

class HvpOfWhatIsRecorded : public ::testing::TestWithParam<Case> {};

TEST_P(HvpOfWhatIsRecorded, IsTheGradientOfTheGradientTimesTheVector) {
  const Case& c = GetParam();
  std::vector<Tensor> v;
  for (const Tensor& w : c.w) v.push_back(randn(w.shape(), f64));
  const std::vector<Tensor> got = hvp(c.loss(c.w), c.w, v), want = by_two_gradients(c.loss(c.w), c.w, v);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) expect_close(got[i], want[i]);
  const auto function = [&](std::span<const Tensor> w) { return c.loss({w.begin(), w.end()}); };
  const Products products = hvp(function, c.w, v);
  for (std::size_t i = 0; i < got.size(); ++i) expect_close(products.products[i], want[i]);
}

INSTANTIATE_TEST_SUITE_P(Ops, HvpOfWhatIsRecorded, ::testing::ValuesIn(cases()),
                         [](const auto& instance) { return std::to_string(instance.index); });

/// x^3, whose backward notes whether its gradient is read.
struct NotedCube {
  static constexpr std::string_view name = "noted_cube";
  static inline std::vector<bool> notes;

  Spec infer(const Tensor& x) const { return {x.shape(), x.dtype()}; }
  void forward(Forward& ctx, const Tensor& x, Tensor& dst) const {
    dst.copy_(x * x * x);
    ctx.save(x);
  }
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    notes.push_back(ctx.reads(0));
    const Tensor x = ctx.saved(0);
    ctx.give(0, diff_dst * x * x * 3);
  }
};
Tensor noted_cube(const Tensor& x) { return apply(NotedCube{}, Location::current(), x); }

std::vector<bool> notes_of(const std::function<void()>& run) {
  NotedCube::notes.clear();
  run();
  return NotedCube::notes;
}

TEST(Backward, ReadsGradientsUnlessOnlyTheirDerivativeIsWanted) {
  using Notes = std::vector<bool>;
  const Tensor x = tensor({1, 2}, f64).requires_grad_(), v = tensor({1, 10}, f64);
  EXPECT_EQ(notes_of([&] { sum(noted_cube(x)).backward(); }), Notes({true}));
  EXPECT_EQ(notes_of([&] { (void)grad(sum(noted_cube(x)), x, {.create_graph = true}); }), Notes({true}));
  // Nobody reads the gradient by x.
  EXPECT_EQ(notes_of([&] { (void)hvp(sum(noted_cube(x)), x, v); }), Notes({false}));
  // What lies between is read by the ops before it.
  EXPECT_EQ(notes_of([&] { (void)hvp(sum(noted_cube(noted_cube(x))), x, v); })[0], true);
}

TEST(Backward, ReadsGradientsOfLeavesWithHooksAndUnderTools) {
  using Notes = std::vector<bool>;
  const Tensor v = tensor({1, 10}, f64);
  Tensor x = tensor({1, 2}, f64).requires_grad_();
  x.set_name("x");  // a name is no reader
  EXPECT_EQ(notes_of([&] { (void)hvp(sum(noted_cube(x)), x, v); }), Notes({false}));
  const AnomalyMode anomaly;
  EXPECT_EQ(notes_of([&] { (void)hvp(sum(noted_cube(x)), x, v); })[0], true);
}

TEST(Backward, ReadsGradientsOfLeavesWithHooks) {
  const Tensor v = tensor({1, 10}, f64);
  Tensor x = tensor({1, 2}, f64).requires_grad_();
  std::vector<double> seen;
  x.register_hook([&](const Tensor& g) {
    if (seen.empty()) seen = g.to_vector<double>();
    return g;
  });
  EXPECT_EQ(notes_of([&] { (void)hvp(sum(noted_cube(x)), x, v); })[0], true);
  EXPECT_EQ(seen, (Doubles{3, 12}));
}

TEST(Backward, ReadsGradientsThatAPosthookSees) {
  manual_seed(3);
  const Tensor x = randn({3, 2}, f64), w = randn({2, 4}, f64).requires_grad_(), v = randn({2, 4}, f64);
  // Scales the gradient by itself, so its elements are part of the second derivative.
  const auto loss = [&] {
    const Tensor y = matmul(x, w);
    y.node()->register_posthook([](const Node&, std::span<Tensor> given) { given[1] = given[1] * given[1]; });
    return sum(tanh(y));
  };
  const Tensor want = by_two_gradients(loss(), {w}, {v})[0];
  expect_close(hvp(loss(), w, v), want);
}

TEST(Hvp, OfWhatIsRecordedFreesTheGraphUnlessItIsToBeKept) {
  const Tensor x = tensor({1, 2}, f64).requires_grad_(), v = tensor({1, 10}, f64);
  Tensor loss = sum(x * x * x);
  const Doubles want{6, 120};
  EXPECT_EQ(hvp(loss, x, v, {.retain_graph = true}).to_vector<double>(), want);
  EXPECT_EQ(hvp(loss, x, v).to_vector<double>(), want);
  EXPECT_FALSE(x.grad().defined());
  expect_error_with<GradientError>([&] { (void)hvp(loss, x, v); }, "freed");
}

TEST(Hvp, OfWhatIsRecordedMayBeDifferentiatedAgain) {
  const Tensor x = tensor({1, 2}, f64).requires_grad_(), v = tensor({1, 10}, f64);
  const Tensor product = hvp(sum(x * x * x * x), x, v, {.create_graph = true});  // 12 x^2 v
  EXPECT_EQ(grad(sum(product), x).to_vector<double>(), (Doubles{24, 480}));
}

TEST(Hvp, OfWhatIsRecordedSaysWhatIsWrong) {
  const Tensor x = tensor({1, 2}, f64).requires_grad_(), other = tensor({1, 2}, f64).requires_grad_();
  const Tensor v = tensor({1, 10}, f64);
  const auto loss = [&] { return sum(x * x * x); };
  expect_error_with<ShapeError>([&] { (void)hvp(x * x, x, v); }, "hvp: the output has shape [2] (want one element)");
  expect_error_with<ShapeError>([&] { (void)hvp(loss(), x, tensor({1}, f64)); }, "hvp: vector 0 has shape [1]");
  expect_error_with<UsageError>([&] { (void)hvp(loss(), {x, other}, {v}); }, "hvp: 1 vectors for 2 inputs");
  expect_error_with<GradientError>([&] { (void)hvp(loss(), {x, other}, {v, v}); }, "hvp: no output depends on input 1");
  expect_error_with<GradientError>([&] { (void)hvp(loss(), {x, other}, {v, v}); }, "a product of zero");
  expect_error_with<GradientError>([&] { (void)hvp(sum(v), x, v); }, "hvp: output 0 requires no gradient");
  const std::vector<Tensor> products = hvp(loss(), {x, other}, {v, v}, {.allow_unused = true});
  EXPECT_EQ(products[0].to_vector<double>(), (Doubles{6, 120}));
  EXPECT_EQ(products[1].to_vector<double>(), (Doubles{0, 0}));
  EXPECT_EQ(hvp(sum(x * 2.0), x, v).to_vector<double>(), (Doubles{0, 0}));
}

}  // namespace
}  // namespace dagrad
