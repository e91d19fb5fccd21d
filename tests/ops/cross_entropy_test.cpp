#include "dagrad/ops/cross_entropy.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/softmax.h"
#include "dagrad/ops/view.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(CrossEntropy, IsTheNegativeLogProbabilityOfTheLabel) {
  const Tensor logits = tensor({1, 2, 3, 4, 5, 6}, {2, 3}, f64);
  const Tensor target = tensor({2, 0}, i64);
  const double a = std::log(std::exp(-2) + std::exp(-1) + 1), b = std::log(1 + std::exp(1) + std::exp(2));
  EXPECT_NEAR(cross_entropy(logits, target).item<double>(), (a + b) / 2, 1e-15);
  EXPECT_NEAR(cross_entropy(logits, target, Reduction::sum).item<double>(), a + b, 1e-15);
  const auto each = cross_entropy(logits, target, Reduction::none).to_vector<double>();
  EXPECT_NEAR(each[0], a, 1e-15);
  EXPECT_NEAR(each[1], b, 1e-15);
}

TEST(CrossEntropy, HasTheGradientSoftmaxMinusTarget) {
  const std::int64_t rows = 70, columns = 333;  // large enough for several threads
  const Tensor target = randint(0, columns, {rows});
  const Tensor logits = normal({rows, columns}, 0, 2, f32).requires_grad_();
  cross_entropy(logits, target).backward();
  Tensor expected = exp(log_softmax(to(logits.detach(), f64), 1));
  double* p = expected.mutable_data<double>();
  for (std::int64_t i = 0; i < rows; ++i) p[i * columns + target.data<std::int64_t>()[i]] -= 1;
  const auto got = logits.grad().to_vector<double>();
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], p[i] / static_cast<double>(rows), 1e-8);
}

TEST(CrossEntropy, SurvivesHugeLogits) {
  const Tensor logits = tensor({1e4, -1e4, 0, -1e4, 1e4, 0}, {2, 3}).requires_grad_();
  const Tensor loss = cross_entropy(logits, tensor({0, 0}, i64), Reduction::none);
  EXPECT_EQ(loss.to_vector<float>(), (std::vector<float>{0, 2e4f}));
  sum(loss).backward();
  EXPECT_EQ(logits.grad().to_vector<float>(), (std::vector<float>{0, 0, 0, -1, 1, 0}));
}

TEST(CrossEntropy, KeepsIgnoredRowsOutOfEveryDerivative) {
  const Tensor logits = tensor({NAN, INFINITY, 0, 0}, {2, 2}, f64).requires_grad_();
  const Tensor loss = cross_entropy(logits, tensor({-100, 1}, i64));
  const Tensor first = grad(loss, logits, {.create_graph = true});
  EXPECT_EQ(first.to_vector<double>(), (std::vector<double>{0, 0, 0.5, -0.5}));
  const Tensor second = grad(sum(first * tensor({1, 1, 1, 0}, {2, 2}, f64)), logits);
  EXPECT_EQ(second.to_vector<double>(), (std::vector<double>{0, 0, 0.25, -0.25}));
}

TEST(CrossEntropy, OfInnerAxesIsThatOfTheirRows) {
  const Tensor logits = normal({2, 3, 4}, 0, 1, f64), target = randint(0, 3, {2, 4});
  const Tensor rows = reshape(permute(logits, {0, 2, 1}), {8, 3});
  EXPECT_EQ(cross_entropy(logits, target, Reduction::none).to_vector<double>(),
            cross_entropy(rows, reshape(target, {8}), Reduction::none).to_vector<double>());
}

TEST(CrossEntropy, OfUnitVectorsIsThatOfIndices) {
  const Tensor logits = normal({6, 5}, 0, 1, f64), target = tensor({0, 4, 2, 2, 1, 3}, i64);
  const Tensor unit = to(eq(unsqueeze(target, 1), arange(0, 5)), f64);
  for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
    const CrossEntropyOptions options{
        .weight = tensor({1, 1, 1, 1, 1}, f64), .label_smoothing = 0.3, .reduction = reduction};
    const auto of_indices = cross_entropy(logits, target, options).to_vector<double>();
    const auto of_unit = cross_entropy(logits, unit, options).to_vector<double>();
    for (std::size_t i = 0; i < of_unit.size(); ++i) EXPECT_NEAR(of_indices[i], of_unit[i], 1e-14);
  }
}

TEST(CrossEntropy, NamesTheFirstBadLabel) {
  expect_error<UsageError>(
      [] {
        cross_entropy(zeros({3, 10}), tensor({1, 12, -1}, i64));
      },
      "cross_entropy: label 12 at index 1 (want 0 to 9)");
  expect_error<ShapeError>(
      [] {
        cross_entropy(zeros({3, 10}), zeros({2}, i64));
      },
      "cross_entropy: target is [2], logits are [3, 10] (want target of [3])");
  expect_error<DTypeError>(
      [] {
        cross_entropy(zeros({3, 10}), zeros({3}, u8));
      },
      "cross_entropy: target is u8 (want class indices of i64)");
  expect_error<ShapeError>([] { cross_entropy(zeros({10}), zeros({1}, i64)); },
                           "cross_entropy: target is [1], logits are [10] (want target of [])");
}

}  // namespace
}  // namespace dagrad
