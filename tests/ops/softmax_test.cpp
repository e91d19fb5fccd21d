#include "dagrad/ops/softmax.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(LogSoftmax, SurvivesHugeLogits) {
  for (const DType type : {f32, f64}) {
    const Tensor y = log_softmax(tensor({1e4, 0, -1e4}, type));
    EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{0, -1e4, -2e4}));
  }
}

TEST(LogSoftmax, GivesMinusInfinityForMinusInfinity) {
  for (const DType type : {f32, f64}) {
    const auto y = log_softmax(tensor({0, -INFINITY, 0}, type)).to_vector<double>();
    EXPECT_NEAR(y[0], -std::log(2.0), 1e-6);
    EXPECT_EQ(y[1], -INFINITY);
  }
}

TEST(LogSoftmax, AgreesAlongEveryAxisAndSize) {
  // The sizes take the row loop and the primitive; f64 is the oracle.
  for (const Shape& shape : {Shape{3, 4, 5}, Shape{33, 7, 129}, Shape{2, 1000}}) {
    const Tensor x = normal(shape, 0, 3, f64);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const auto expected = log_softmax(x, axis).to_vector<double>();
      const auto got = log_softmax(to(x, f32), axis).to_vector<double>();
      for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], expected[i], 2e-5) << shape.str() << " axis " << axis;
    }
  }
}

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
        cross_entropy(zeros({3, 10}), zeros({3}));
      },
      "cross_entropy: target is f32 (want class indices of i64)");
  expect_error<ShapeError>([] { cross_entropy(zeros({10}), zeros({1}, i64)); },
                           "cross_entropy: logits are [10] (want [N, C])");
}

}  // namespace
}  // namespace dagrad
