#include "dagrad/nn/data/digits.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "expect_error.h"

namespace dagrad::data {
namespace {

TEST(Digits, HaveTheShapeAndRangeOfImages) {
  const Dataset dataset = digits(500, 1);
  EXPECT_EQ(dataset.features.shape(), (Shape{500, 1, 28, 28}));
  const auto pixels = dataset.features.to_vector<float>();
  EXPECT_GE(*std::min_element(pixels.begin(), pixels.end()), 0.0f);
  EXPECT_LE(*std::max_element(pixels.begin(), pixels.end()), 1.0f);
  std::vector<int> counts(10);
  for (const std::int64_t label : dataset.labels.to_vector<std::int64_t>()) ++counts[static_cast<std::size_t>(label)];
  EXPECT_GT(*std::min_element(counts.begin(), counts.end()), 25);
}

TEST(Digits, DependOnTheSeedAndTheirNumberAlone) {
  const Dataset few = digits(10, 3), many = digits(300, 3), other = digits(10, 4);
  EXPECT_EQ(few.features.to_vector<float>(), many.slice(0, 10).features.to_vector<float>());
  EXPECT_NE(few.features.to_vector<float>(), other.features.to_vector<float>());
  const ThreadLimit limit(1);
  EXPECT_EQ(digits(300, 3).features.to_vector<float>(), many.features.to_vector<float>());
}

TEST(Digits, MayBeNone) {
  EXPECT_EQ(digits(0).size(), 0);
  expect_error<UsageError>([] { digits(-1); }, "digits: count is -1 (want at least 0)");
}

}  // namespace
}  // namespace dagrad::data
