#include "dagrad/core/functional.h"

#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/ops.h"
#include "expect_close.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Doubles = std::vector<double>;

const auto cubes = [](const Tensor& x) { return x * x * x; };

TEST(Vjp, GivesResultAndProduct) {
  const auto [y, g] = vjp(cubes, tensor({1, 2}, f64), tensor({10, 100}, f64));
  EXPECT_EQ(y.to_vector<double>(), (Doubles{1, 8}));
  EXPECT_EQ(g.to_vector<double>(), (Doubles{30, 1200}));
  EXPECT_FALSE(y.requires_grad());
  EXPECT_FALSE(g.requires_grad());
}

TEST(Vjp, TakesFunctionsOfAutoParameters) {
  const Tensor x = tensor({1, 2}, f64);
  EXPECT_EQ(vjp([](const auto& t) { return sum(t * t); }, x).product.to_vector<double>(), (std::vector<double>{2, 4}));
  EXPECT_EQ(vjp([](auto t) { return sum(t * 3); }, x).product.to_vector<double>(), (std::vector<double>{3, 3}));
}

TEST(Vjp, AddsUpSeveralOutputsForSeveralInputs) {
  const auto f = [](const Tensor& a, const Tensor& b) { return std::vector<Tensor>{a * b, a + b, b * 2}; };
  const Tensor a = tensor({2, 3}, f64), b = tensor({5, 7}, f64);
  const auto [outputs, products] = vjp(f, {a, b}, {tensor({1, 1}, f64), {}, tensor({10, 100}, f64)});
  EXPECT_EQ(outputs.size(), 3u);
  EXPECT_EQ(products[0].to_vector<double>(), (Doubles{5, 7}));
  EXPECT_EQ(products[1].to_vector<double>(), (Doubles{2 + 20, 3 + 200}));
}

TEST(Vjp, DifferentiatesByTheArgumentAloneAndTouchesNoLeaf) {
  const Tensor x = scalar(3, f64).requires_grad_();
  const auto [y, g] = vjp([&](const Tensor& t) { return t * x; }, x);
  EXPECT_EQ(y.item<double>(), 9);
  EXPECT_EQ(g.item<double>(), 3);  // not 6: the x inside is a constant here
  EXPECT_FALSE(x.grad().defined());
}

TEST(Vjp, GivesZeroWhereNothingDependsAndNothingForIntegers) {
  const auto f = [](const Tensor& a, const Tensor& b, const Tensor&) { return sum(a) + to(sum(b), f64); };
  const auto [outputs, products] = vjp(f, {zeros({2}, f64), arange(0, 3), zeros({3}, f64)});
  EXPECT_EQ(products[0].to_vector<double>(), (Doubles{1, 1}));
  EXPECT_FALSE(products[1].defined());
  EXPECT_EQ(products[2].to_vector<double>(), (Doubles{0, 0, 0}));
}

TEST(Vjp, MayBeDifferentiatedAgain) {
  const Tensor x = scalar(2, f64).requires_grad_(), v = scalar(5, f64).requires_grad_();
  const auto [y, g] = vjp(cubes, x, v, {.create_graph = true});
  EXPECT_EQ(g.item<double>(), 60);
  const auto by = grad(std::vector{g}, std::vector{x, v});
  EXPECT_EQ(by[0].item<double>(), 6 * 2 * 5);
  EXPECT_EQ(by[1].item<double>(), 12);
}

TEST(Vjp, RecordsEvenUnderNoGrad) {
  const NoGrad guard;
  EXPECT_EQ(vjp(cubes, scalar(2, f64)).product.item<double>(), 12);
}

TEST(Jvp, AgreesWithFiniteDifferences) {
  const auto f = [](const Tensor& a, const Tensor& b) {
    return std::vector<Tensor>{tanh(matmul(a, b)), log_softmax(a), sum(exp(b))};
  };
  const Tensor a = randn({3, 4}, f64), b = randn({4, 2}, f64), da = randn({3, 4}, f64), db = randn({4, 2}, f64);
  const auto [outputs, products] = jvp(f, {a, b}, {da, db});
  const double h = 1e-5;
  const auto up = f(a + da * h, b + db * h), down = f(a - da * h, b - db * h);
  for (std::size_t k = 0; k < 3; ++k) {
    const auto numeric = ((up[k] - down[k]) / (2 * h)).to_vector<double>(), got = products[k].to_vector<double>();
    ASSERT_EQ(products[k].shape(), outputs[k].shape());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], numeric[i], 1e-8);
  }
}

TEST(Jvp, IsTheTransposeOfVjp) {
  const auto f = [](const Tensor& x) { return log_softmax(matmul(x, transpose(x)) * sigmoid(sum(x))); };
  const Tensor x = randn({4, 3}, f64), tangent = randn({4, 3}, f64), cotangent = randn({4, 4}, f64);
  const double forward = sum(jvp(f, x, tangent).product * cotangent).item<double>();
  EXPECT_NEAR(forward, sum(vjp(f, x, cotangent).product * tangent).item<double>(), 1e-12);
}

TEST(Jvp, GivesZeroForConstantsAndMissingTangents) {
  const auto f = [](const Tensor& a, const Tensor& b) {
    return std::vector<Tensor>{a * 2, ones({3}, f64), b.detach()};
  };
  const auto products = jvp(f, {scalar(1, f64), scalar(1, f64)}, {{}, scalar(1, f64)}).products;
  EXPECT_EQ(products[0].to_vector<double>(), (Doubles{0}));
  EXPECT_EQ(products[1].to_vector<double>(), (Doubles{0, 0, 0}));
  EXPECT_EQ(products[2].to_vector<double>(), (Doubles{0}));
}

TEST(Jvp, OfAFunctionThatReturnsItsArgumentIsTheTangent) {
  EXPECT_EQ(
      jvp([](const Tensor& x) { return x; }, tensor({1, 2}, f64), tensor({3, 4}, f64)).product.to_vector<double>(),
      (Doubles{3, 4}));
}

TEST(Jvp, MayBeDifferentiatedAgain) {
  const Tensor x = scalar(2, f64).requires_grad_(), v = scalar(5, f64).requires_grad_();
  const auto [y, g] = jvp(cubes, x, v, {.create_graph = true});
  EXPECT_EQ(g.item<double>(), 60);
  const auto by = grad(std::vector{g}, std::vector{x, v});
  EXPECT_EQ(by[0].item<double>(), 60);
  EXPECT_EQ(by[1].item<double>(), 12);
}

TEST(Jvp, OfAJvpIsASecondDerivative) {
  const auto slope = [](const Tensor& x) { return jvp(cubes, x, ones_like(x), {.create_graph = true}).product; };
  EXPECT_EQ(jvp(slope, scalar(2, f64), scalar(1, f64)).product.item<double>(), 12);
}

TEST(Hvp, AgreesWithTheHessian) {
  const auto f = [](const Tensor& x) { return sum(tanh(x) * x) * sum(exp(x)); };
  const Tensor x = randn({5}, f64), v = randn({5}, f64);
  const auto [y, product] = hvp(f, x, v);
  EXPECT_EQ(y.item<double>(), f(x).item<double>());
  expect_close(product, matmul(hessian(f, x), v));
}

TEST(Hvp, TakesSeveralInputs) {
  const auto f = [](const Tensor& a, const Tensor& b) { return sum(a * a * b); };
  const Tensor a = scalar(2, f64), b = scalar(3, f64);
  const auto products = hvp(f, {a, b}, {scalar(1, f64), scalar(10, f64)}).products;
  EXPECT_EQ(products[0].item<double>(), 2 * 3 * 1 + 2 * 2 * 10);
  EXPECT_EQ(products[1].item<double>(), 2 * 2 * 1);
}

TEST(Hvp, OfALinearFunctionIsZero) {
  EXPECT_EQ(hvp([](const Tensor& x) { return sum(x * 3); }, ones({2}, f64), ones({2}, f64)).product.to_vector<double>(),
            (Doubles{0, 0}));
}

TEST(Functional, SaysWhatIsWrong) {
  const Tensor x = zeros({2}, f64);
  expect_error<ShapeError>([&] { vjp(cubes, x); }, "vjp: output 0 has shape [2] (want one element, or cotangents)");
  expect_error<ShapeError>([&] { vjp(cubes, x, zeros({3}, f64)); },
                           "vjp: cotangent 0 has shape [3] (want [2] like the output)");
  expect_error<DTypeError>([&] { jvp(cubes, x, zeros({2})); }, "jvp: tangent 0 is f32 (want f64 like the input)");
  expect_error<UsageError>([&] { jvp(cubes, {x, x}, {x, x}); }, "jvp: 2 inputs for a function of 1 (want one each)");
  expect_error<UsageError>([&] { hvp(cubes, std::vector<Tensor>{x}, {}); },
                           "hvp: 0 vectors for 1 inputs (want one each; undefined ones are zero)");
  expect_error<ShapeError>([&] { hvp(cubes, x, x); }, "hvp: the output has shape [2] (want one element)");
}

}  // namespace
}  // namespace dagrad
