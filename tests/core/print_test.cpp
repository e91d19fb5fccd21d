#include "dagrad/core/print.h"

#include <cmath>
#include <gtest/gtest.h>
#include <sstream>

#include "dagrad/core/creation.h"
#include "dagrad/ops/operators.h"

namespace dagrad {
namespace {

std::string elements(const Tensor& t) {
  PrintOptions options;
  options.type = false;
  return to_string(t, options);
}

TEST(Print, AlignsColumnsAndDropsZeros) {
  EXPECT_EQ(elements(tensor({1, 2.5, -10, 4}, {2, 2})), "[[  1.0,   2.5],\n [-10.0,   4.0]]");
  EXPECT_EQ(elements(tensor({1, 2, 3})), "[1., 2., 3.]");
  EXPECT_EQ(elements(tensor({1, 20, -3}, i64)), "[ 1, 20, -3]");
  EXPECT_EQ(elements(tensor({1, 0}, boolean)), "[ true, false]");
  EXPECT_EQ(elements(scalar(0.12345)), "0.1235");
}

TEST(Print, GoesScientificWhenMagnitudesAreFarApart) {
  EXPECT_EQ(elements(tensor({1, 1e-6}, f64)), "[1e+00, 1e-06]");
  EXPECT_EQ(elements(tensor({1.5e9, 2.25e9}, f64)), "[1.50e+09, 2.25e+09]");
}

TEST(Print, KnowsNanAndInfinity) {
  EXPECT_EQ(elements(tensor({NAN, INFINITY, -INFINITY, 1})), "[ nan,  inf, -inf,   1.]");
}

TEST(Print, SeparatesMatricesByAnEmptyLine) { EXPECT_EQ(elements(zeros({2, 1, 2}, i64)), "[[[0, 0]],\n\n [[0, 0]]]"); }

TEST(Print, WritesShapesAndTypes) {
  std::ostringstream out;
  out << zeros({2, 3}).shape() << " " << Shape{} << " " << bf16;
  EXPECT_EQ(out.str(), "[2, 3] [] bf16");
}

TEST(Print, ReadsViews) {
  EXPECT_EQ(elements(tensor({1, 2, 3, 4, 5, 6}, {2, 3}, i64).alias({3, 2}, {1, 3}, 0)), "[[1, 4],\n [2, 5],\n [3, 6]]");
}

TEST(Print, LeavesOutTheMiddleOfLargeTensors) {
  EXPECT_EQ(elements(arange(0, 2000)), "[   0,    1,    2, ..., 1997, 1998, 1999]");
}

TEST(Print, WrapsLongRows) {
  const std::string text = elements(arange(0, 100));
  EXPECT_NE(text.find(",\n "), std::string::npos);
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 76u) << line;
}

TEST(Print, AddsShapeTypeAndHistory) {
  const Tensor x = tensor({1, 2}).requires_grad_();
  EXPECT_EQ(to_string(x), "[1., 2.]  [2] f32 requires_grad");
  EXPECT_EQ(to_string(x * 2.0), "[2., 4.]  [2] f32 (mul_number)");
  EXPECT_EQ(to_string(zeros({0, 3})), "[]  [0, 3] f32");
  EXPECT_EQ(to_string(Tensor()), "undefined tensor");
  std::ostringstream out;
  out << scalar(1, i64);
  EXPECT_EQ(out.str(), "1  [] i64");
}

}  // namespace
}  // namespace dagrad
