#include "dagrad/core/shape.h"

#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(Shape, PrintsAsAList) {
  EXPECT_EQ(Shape({2, 3}).str(), "[2, 3]");
  EXPECT_EQ(Shape{}.str(), "[]");
}

TEST(Shape, InsertsAndErasesAnywhere) {
  Shape shape{2, 3};
  shape.insert(0, 7);
  shape.push_back(9);
  EXPECT_EQ(shape, (Shape{7, 2, 3, 9}));
  shape.erase(1);
  EXPECT_EQ(shape, (Shape{7, 3, 9}));
}

TEST(Shape, RefusesMoreThanEightDimensions) {
  const std::vector<std::int64_t> sizes(9, 1);
  expect_error<ShapeError>([&] { Shape{sizes}; }, "shape: too many dimensions: 9 (the most is 8)");
}

TEST(Shape, CountsElementsAndNoticesOverflow) {
  EXPECT_EQ(checked_numel("op", {2, 3, 4}), 24);
  EXPECT_EQ(checked_numel("op", {}), 1);
  EXPECT_EQ(checked_numel("op", {5, 0, 7}), 0);
  const std::int64_t huge = std::int64_t{1} << 40;
  expect_error<ShapeError>(
      [&] {
        checked_numel("op", {huge, huge});
      },
      "op: too large: [1099511627776, 1099511627776] (the size in bytes must fit 63 bits)");
  expect_error<ShapeError>([&] { checked_numel("op", {std::int64_t{1} << 61}, 8); },
                           "op: too large: [2305843009213693952] (the size in bytes must fit 63 bits)");
  // An empty tensor whose other sizes overflow is refused too: their product would be used for strides.
  EXPECT_THROW(checked_numel("op", {huge, huge, 0}), ShapeError);
  expect_error<ShapeError>([&] { checked_numel("op", {2, -1}); }, "op: negative size: [2, -1] (want sizes >= 0)");
}

TEST(Shape, BroadcastsAsNumPyDoes) {
  EXPECT_EQ(broadcast_shapes("op", {3, 1}, {4}), (Shape{3, 4}));
  EXPECT_EQ(broadcast_shapes("op", {}, {2, 2}), (Shape{2, 2}));
  EXPECT_EQ(broadcast_shapes("op", {0, 1}, {1, 5}), (Shape{0, 5}));
  expect_error<ShapeError>(
      [] {
        broadcast_shapes("add", {2, 3}, {4});
      },
      "add: shapes do not broadcast: [2, 3] and [4] (want equal sizes or 1 at axis -1: got 3 and 4)");
}

TEST(Shape, KnowsWhatIsContiguous) {
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Strides{12, 4, 1}));
  EXPECT_TRUE(is_contiguous({2, 3}, {3, 1}));
  EXPECT_FALSE(is_contiguous({2, 3}, {1, 2}));
  EXPECT_TRUE(is_contiguous({2, 1, 3}, {3, 77, 1}));  // the stride of a size of 1 does not matter
  EXPECT_TRUE(is_contiguous({0, 3}, {9, 9}));
}

TEST(Shape, TakesAxesFromTheEnd) {
  EXPECT_EQ(normalize_axis("op", -1, 3), 2);
  EXPECT_EQ(normalize_axis("op", 0, 0), 0);
  expect_error<ShapeError>([] { normalize_axis("sum", 2, 2); },
                           "sum: axis out of range: 2 (want -2 to 1 for 2 dimensions)");
  const std::vector<std::int64_t> twice{0, -2};
  expect_error<ShapeError>([&] { normalize_axes("sum", twice, 2); }, "sum: axis 0 is named twice (want each once)");
}

}  // namespace
}  // namespace dagrad
