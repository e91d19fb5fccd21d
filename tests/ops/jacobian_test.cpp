#include "dagrad/ops/jacobian.h"

#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/ops.h"
#include "expect_close.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Doubles = std::vector<double>;

TEST(Jacobian, OfALinearMapIsItsMatrix) {
  const Tensor m = randn({3, 4}, f64);
  const auto f = [&](const Tensor& x) { return matmul(m, x); };
  expect_close(jacobian(f, randn({4}, f64)), m);
  expect_close(jacobian(f, randn({4}, f64), {.forward_mode = true}), m);
}

TEST(Jacobian, HasTheOutputsShapeAndThenTheInputs) {
  const auto f = [](const Tensor& x) { return tanh(matmul(x, transpose(x))); };
  const Tensor x = randn({2, 3}, f64);
  const Tensor rows = jacobian(f, x);
  EXPECT_EQ(rows.shape(), (Shape{2, 2, 2, 3}));
  expect_close(jacobian(f, x, {.forward_mode = true}), rows);
}

TEST(Jacobian, GivesABlockForEachOutputAndInput) {
  const auto f = [](const Tensor& a, const Tensor& b) { return std::vector<Tensor>{a * b, sum(a)}; };
  for (const bool forward_mode : {false, true}) {
    const auto j = jacobian(f, {tensor({2, 3}, f64), scalar(5, f64)}, {.forward_mode = forward_mode});
    EXPECT_EQ(j[0][0].to_vector<double>(), (Doubles{5, 0, 0, 5}));
    EXPECT_EQ(j[0][1].to_vector<double>(), (Doubles{2, 3}));
    EXPECT_EQ(j[1][0].to_vector<double>(), (Doubles{1, 1}));
    EXPECT_EQ(j[1][1].to_vector<double>(), (Doubles{0}));  // does not depend
  }
}

TEST(Jacobian, OfNothingIsEmpty) {
  EXPECT_EQ(jacobian([](const Tensor& x) { return x * 2; }, zeros({0, 2}, f64)).shape(), (Shape{0, 2, 0, 2}));
}

TEST(Jacobian, MayBeDifferentiatedAgain) {
  for (const bool forward_mode : {false, true}) {
    const Tensor x = tensor({1, 2, 3}, f64).requires_grad_();
    const Tensor j =
        jacobian([](const Tensor& t) { return t * t * t; }, x, {.create_graph = true, .forward_mode = forward_mode});
    EXPECT_EQ(grad(sum(j), x).to_vector<double>(), (Doubles{6, 12, 18}));
  }
}

TEST(Jacobian, LeavesNoGraphUnlessAsked) {
  const Tensor x = ones({2}, f64).requires_grad_();
  EXPECT_FALSE(jacobian([](const Tensor& t) { return t * t; }, x).requires_grad());
  EXPECT_FALSE(x.grad().defined());
}

TEST(Hessian, OfAQuadraticFormIsItsSymmetricPart) {
  const Tensor m = randn({4, 4}, f64);
  const auto f = [&](const Tensor& x) { return sum(x * matmul(m, x)); };
  expect_close(hessian(f, randn({4}, f64)), m + transpose(m));
  expect_close(hessian(f, randn({4}, f64), {.forward_mode = true}), m + transpose(m));
}

TEST(Hessian, HasABlockForEachPairOfInputs) {
  const auto f = [](const Tensor& a, const Tensor& b) { return sum(a * a) * b; };
  const auto h = hessian(f, {tensor({2, 3}, f64), scalar(5, f64)});
  EXPECT_EQ(h[0][0].to_vector<double>(), (Doubles{10, 0, 0, 10}));
  EXPECT_EQ(h[0][1].to_vector<double>(), (Doubles{4, 6}));
  EXPECT_EQ(h[1][0].to_vector<double>(), (Doubles{4, 6}));
  EXPECT_EQ(h[1][1].to_vector<double>(), (Doubles{0}));
}

TEST(Hessian, GivesTheThirdDerivativeWithItsGraph) {
  const Tensor x = scalar(2, f64).requires_grad_();
  const Tensor h = hessian([](const Tensor& t) { return t * t * t * t; }, x, {.create_graph = true});
  EXPECT_EQ(h.item<double>(), 48);
  EXPECT_EQ(grad(h, x).item<double>(), 48);
}

TEST(Jacobian, SaysWhatIsWrong) {
  expect_error<DTypeError>([] { jacobian([](const Tensor& x) { return x; }, arange(0, 3)); },
                           "jacobian: input 0 is i64 (want f32, bf16 or f64)");
  expect_error<ShapeError>([] { hessian([](const Tensor& x) { return x; }, zeros({3}, f64)); },
                           "hessian: the function has 1 outputs, shape [3] (want one, of one element)");
}

}  // namespace
}  // namespace dagrad
