#include "dagrad/ops/operators.h"

#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "dagrad/core/node.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Doubles = std::vector<double>;
using Bools = std::vector<bool>;

Doubles values(const Tensor& t) { return t.to_vector<double>(); }
Bools truths(const Tensor& t) { return t.to_vector<bool>(); }

TEST(Comparisons, AreOperatorsOnTensorsAndNumbers) {
  const Tensor a = tensor({1, 2, 3}), b = tensor({3, 2, 1});
  EXPECT_EQ(truths(a == b), (Bools{false, true, false}));
  EXPECT_EQ(truths(a != b), (Bools{true, false, true}));
  EXPECT_EQ(truths(a < b), (Bools{true, false, false}));
  EXPECT_EQ(truths(a <= b), (Bools{true, true, false}));
  EXPECT_EQ(truths(a > b), (Bools{false, false, true}));
  EXPECT_EQ(truths(a >= b), (Bools{false, true, true}));
  EXPECT_EQ(truths(a == 2), (Bools{false, true, false}));
  EXPECT_EQ(truths(a != 2), (Bools{true, false, true}));
  EXPECT_EQ(truths(a < 2), (Bools{true, false, false}));
  EXPECT_EQ(truths(a <= 2.5f), (Bools{true, true, false}));
  EXPECT_EQ(truths(a > 2), (Bools{false, false, true}));
  EXPECT_EQ(truths(a >= 2), (Bools{false, true, true}));
  EXPECT_EQ(truths(2 == a), (Bools{false, true, false}));
  EXPECT_EQ(truths(2 != a), (Bools{true, false, true}));
  EXPECT_EQ(truths(2 < a), (Bools{false, false, true}));
  EXPECT_EQ(truths(2 <= a), (Bools{false, true, true}));
  EXPECT_EQ(truths(2 > a), (Bools{true, false, false}));
  EXPECT_EQ(truths(2 >= a), (Bools{true, true, false}));
}

TEST(Comparisons, AreMasksForOpsAndLogic) {
  const Tensor x = tensor({-2, -1, 1, 2});
  EXPECT_EQ(values(where(x > 0, x, 0.0)), (Doubles{0, 0, 1, 2}));
  EXPECT_EQ(values(masked_select(x, x < 0)), (Doubles{-2, -1}));
  EXPECT_EQ(truths((x > -2) & (x < 2)), (Bools{false, true, true, false}));
  EXPECT_EQ(truths((x < -1) | (x > 1)), (Bools{true, false, false, true}));
  EXPECT_EQ(truths((x < 0) ^ (x < 2)), (Bools{false, false, true, false}));
  EXPECT_EQ(truths(~(x < 0)), (Bools{false, false, true, true}));
  expect_error<DTypeError>([&] { (void)((x < 0) & x); }, "&: f32 (want bool: a comparison, or to(x, boolean))");
  expect_error<DTypeError>([&] { (void)~x; }, "~: f32 (want bool: a comparison, or to(x, boolean))");
}

TEST(Comparisons, StandForTheirOneElementInConditions) {
  const Tensor loss = scalar(0.25);
  EXPECT_TRUE(loss < 0.5);
  EXPECT_FALSE(loss > 0.5);
  EXPECT_TRUE(!(loss == 0.5));
  const Tensor x = tensor({1, 2});
  expect_error<UsageError>([&] { static_cast<void>(x == x ? 1 : 0); },
                           "condition: a comparison of 2 elements, shape [2] (want one, or all() or any() of them)");
}

TEST(Comparisons, KnowTheLineTheyStandOn) {
  const Tensor x = tensor({1, 2}), y = tensor({1, 2, 3});
  expect_error_with<ShapeError>([&] { (void)(x < y); }, "lt: shapes do not broadcast: [2] and [3]");
}

TEST(Assignments, ChangeConstantsInPlaceForEveryHandle) {
  Tensor x = tensor({1, 2, 3});
  const Tensor same = x, tail = slice(x, 0, 1);
  x += 1;
  EXPECT_EQ(values(same), (Doubles{2, 3, 4}));
  EXPECT_EQ(values(tail), (Doubles{3, 4}));
  x -= tensor({1, 1, 1});
  x *= x;
  EXPECT_EQ(values(same), (Doubles{1, 4, 9}));
  (x /= 2) += 0.5;
  EXPECT_EQ(values(same), (Doubles{1, 2.5, 5}));
  EXPECT_TRUE(x.is_same(same));
  select(x, 0, 2) *= 10;
  EXPECT_EQ(values(same), (Doubles{1, 2.5, 50}));
  Tensor count = tensor({1, 2}, i64);
  count += 3;
  EXPECT_EQ(count.dtype(), i64);
  EXPECT_EQ(values(count), (Doubles{4, 5}));
}

TEST(Assignments, StepAParameterUnderNoGrad) {
  Tensor w = tensor({1, 2}).requires_grad_();
  const Tensor handle = w;
  sum(w * w).backward();
  {
    const NoGrad guard;
    w -= 0.25 * w.grad();
  }
  EXPECT_TRUE(w.is_same(handle) && w.is_leaf() && w.requires_grad());
  EXPECT_EQ(values(handle), (Doubles{0.5, 1}));
}

TEST(Assignments, MakeANewTensorWhereAGradientFlows) {
  const Tensor w = tensor({1, 2}).requires_grad_();
  Tensor total = zeros({2});
  total += w * w;
  total += w;
  const Tensor before = total;
  total *= 3;
  EXPECT_EQ(values(before), (Doubles{2, 6}));
  EXPECT_EQ(values(grad(sum(total), w)), (Doubles{9, 15}));
  // What a backward needs is not overwritten.
  Tensor y = exp(w);
  y += 1;
  EXPECT_NO_THROW(grad(sum(y), w));
}

TEST(Assignments, NoticedByABackwardAreNamed) {
  const Tensor w = scalar(2).requires_grad_();
  Tensor x = scalar(3);
  const Tensor y = w * x;
  x += 1;
  expect_error_with<GradientError>([&] { y.backward(); }, "was modified in place by '+=' at ");
}

TEST(Assignments, RefuseWhatWouldBeLostOrChangeShape) {
  Tensor w = tensor({1, 2}).requires_grad_();
  expect_error<UsageError>(
      [&] { w += 1; },
      "+=: in-place change of a leaf that requires a gradient, shape [2] (want NoGrad around it, or "
      "a new tensor)");
  Tensor x = zeros({2, 2});
  expect_error<UsageError>(
      [&] { select(x, 0, 0) += w; },
      "+=: a gradient flows into a tensor without a name, shape [2], and would be lost (want NoGrad "
      "around it, or where(), index_add() or cat() to make a new one)");
  Tensor small = zeros({2});
  expect_error<ShapeError>([&] { small -= x; },
                           "-=: [2] would become [2, 2] (want what broadcasts to the shape on the left)");
  expect_error_with<DTypeError>([&] { small *= zeros({2}, f64); }, "mul: element types differ: f32 and f64");
  EXPECT_EQ(values(small), (Doubles{0, 0}));
}

TEST(Closeness, TakesATolerance) {
  const Tensor a = tensor({1, 2}), b = tensor({1, 2.001});
  EXPECT_FALSE(allclose(a, b));
  EXPECT_TRUE(allclose(a, b, {.rtol = 1e-3}));
  EXPECT_TRUE(allclose(zeros({2, 0}), zeros({0})));
  EXPECT_TRUE(equal(a, a));
  EXPECT_FALSE(equal(a, b));
  EXPECT_FALSE(equal(a, to(a, f64)));
  EXPECT_FALSE(equal(a, unsqueeze(a, 0)));
}

TEST(AxesOfReductions, MayBeANumber) {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(values(sum(x, 1)), (Doubles{6, 15}));
  EXPECT_EQ(values(mean(x, -2)), (Doubles{2.5, 3.5, 4.5}));
  EXPECT_EQ(amax(x, 1, true).shape(), (Shape{2, 1}));
  EXPECT_EQ(values(flip(x, 0)), (Doubles{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(sum(x, Axes{}).dim(), 0);
  static_assert(!std::is_convertible_v<bool, Axes>);
}

}  // namespace
}  // namespace dagrad
