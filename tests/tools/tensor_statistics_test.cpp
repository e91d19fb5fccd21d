#include "tools/tensor_statistics.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/ops/view.h"

namespace dagrad::tools {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

TEST(TensorStatistics, AreOfTheFiniteElements) {
  const TensorStatistics s = statistics_of(tensor({1.0, kNan, 3.0, 0.0, -kInf, 4.0}, f64), "t", 4);
  EXPECT_EQ(s.count, 6);
  EXPECT_EQ(s.nan, 1);
  EXPECT_EQ(s.infinite, 1);
  EXPECT_EQ(s.zeros, 1);
  EXPECT_DOUBLE_EQ(s.mean, 2);
  EXPECT_DOUBLE_EQ(s.deviation, std::sqrt(2.5));
  EXPECT_DOUBLE_EQ(s.norm, std::sqrt(26.0));
  EXPECT_EQ(s.least, 0);
  EXPECT_EQ(s.most, 4);
  EXPECT_EQ(s.histogram.counts, (std::vector<double>{1, 1, 0, 2}));
}

TEST(TensorStatistics, KeepTheirDigitsFarFromZero) {
  const TensorStatistics s = statistics_of(tensor({1e9 + 1, 1e9 + 2, 1e9 + 3}, f64), "t");
  EXPECT_DOUBLE_EQ(s.deviation, std::sqrt(2.0 / 3));
}

TEST(TensorStatistics, AreThereForEveryTypeAndForNothing) {
  for (const DType dtype : {f64, f32, bf16, i64, u8, boolean}) {
    const TensorStatistics s = statistics_of(ones({3, 2}, dtype), "t");
    EXPECT_EQ(s.mean, 1) << name_of(dtype);
    EXPECT_EQ(s.deviation, 0);
  }
  const TensorStatistics none = statistics_of(zeros({0, 3}), "t");
  EXPECT_EQ(none.count, 0);
  EXPECT_TRUE(std::isnan(none.mean));
  EXPECT_TRUE(std::isnan(statistics_of(full({2}, kNan), "t").most));
}

TEST(TensorStatistics, FollowAViewsStrides) {
  const Tensor t = transpose(reshape(arange(0, 2'200'000), {1'100'000, 2}), 0, 1);
  const TensorStatistics s = statistics_of(select(t, 0, 1), "t");
  EXPECT_EQ(s.count, 1'100'000);
  EXPECT_EQ(s.least, 1);
  EXPECT_DOUBLE_EQ(s.mean, 1'100'000);
}

TEST(Sparkline, IsHighWhereThereIsMuch) {
  EXPECT_EQ(sparkline({"", 0, 1, {1, 0, 8, 8, 4, 0}}, 3), "▁█▂");
  EXPECT_EQ(sparkline({"", 0, 1, {0, 2}}, 2), " █");
}

}  // namespace
}  // namespace dagrad::tools
