#include "dagrad/ops/softmax.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/ops/view.h"

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

}  // namespace
}  // namespace dagrad
