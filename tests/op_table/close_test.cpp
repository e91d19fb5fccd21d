#include "op_table/close.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace dagrad::op_table {
namespace {

TEST(Close, CountsRoundings) {
  const Array one({1}, 1.0), off({1}, 1 + 3 * 0x1p-24);
  EXPECT_TRUE(close(off, one, nullptr, bound_for(f32, 3)));
  EXPECT_FALSE(close(off, one, nullptr, bound_for(f32, 2)));
  EXPECT_FALSE(close(off, one, nullptr, bound_for(f64, 1000)));
}

TEST(Close, MeasuresByTheTermsOfASum) {
  const Array zero({1}, 0.0), off({1}, 0x1p-24), terms({1}, 1.0);
  EXPECT_FALSE(close(off, zero, nullptr, bound_for(f32, 1)));
  EXPECT_TRUE(close(off, zero, &terms, bound_for(f32, 1)));
}

TEST(Close, WantsNanAndInfinityInTheSamePlaces) {
  const double inf = std::numeric_limits<double>::infinity();
  const Array special({3}, {std::nan(""), inf, 1.0});
  EXPECT_TRUE(same(special, special));
  EXPECT_FALSE(close(Array({3}, {1.0, inf, 1.0}), special, nullptr, bound_for(f32, 1e6)));
  EXPECT_FALSE(close(Array({3}, {std::nan(""), -inf, 1.0}), special, nullptr, bound_for(f32, 1e6)));
  EXPECT_FALSE(close(Array({3}, {std::nan(""), inf, std::nan("")}), special, nullptr, bound_for(f32, 1e6)));
}

TEST(Close, WantsEqualShapes) { EXPECT_FALSE(same(Array({2, 1}), Array({1, 2}))); }

}  // namespace
}  // namespace dagrad::op_table
