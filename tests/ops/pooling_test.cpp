#include "dagrad/ops/pooling.h"

#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/random.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(MaxPool, TellsWhereTheLargestStand) {
  const Tensor src = tensor<float>({1, 5, 2, 0, 9, 3, 4, 8, 7, 6, 1, 2}, {1, 1, 3, 4});
  const auto [dst, at] = max_pool2d_with_indices(src, {.kernel = 2, .stride = 1});
  EXPECT_EQ(dst.to_vector<int>(), (std::vector{9, 5, 8, 9, 6, 8}));
  EXPECT_EQ(at.to_vector<int>(), (std::vector{4, 1, 7, 4, 9, 7}));
  EXPECT_EQ(at.dtype(), i64);
  EXPECT_EQ(at.shape(), (Shape{1, 1, 2, 3}));
}

TEST(MaxPool, TellsWhereOfWideWindowsAndOfPadding) {
  const Tensor wide = arange(0, 400, 1, f32);
  const auto [largest, at] = max_pool1d_with_indices(wide.alias({1, 400}, {400, 1}, 0), {.kernel = 400});
  EXPECT_EQ(at.to_vector<int>(), std::vector{399});
  EXPECT_EQ(largest.item<float>(), 399);

  const auto [nothing, nowhere] =
      max_pool1d_with_indices(ones({1, 1, 3}), {.kernel = 2, .stride = 1, .padding = 1, .dilation = 4});
  EXPECT_EQ(nowhere.to_vector<int>(), std::vector{-1});
  EXPECT_EQ(nothing.item<float>(), -std::numeric_limits<float>::infinity());
}

TEST(MaxPool, PoolsAReluWithoutKeepingIt) {
  const Tensor src = randn({3, 5, 6, 7}).requires_grad_(), other = clone(src.detach()).requires_grad_();
  const Tensor fused = max_pool2d(src, {.kernel = 3, .stride = 2, .padding = 1, .relu = true});
  const Tensor apart = max_pool2d(relu(other), {.kernel = 3, .stride = 2, .padding = 1});
  EXPECT_EQ(fused.to_vector<float>(), apart.to_vector<float>());
  sum(square(fused)).backward();
  sum(square(apart)).backward();
  EXPECT_EQ(src.grad().to_vector<float>(), other.grad().to_vector<float>());
}

TEST(MaxPool, WithReluLeavesMinusInfinityWhereThereIsPaddingOnly) {
  const auto [dst, at] = max_pool1d_with_indices(full({1, 1, 3}, -1),
                                                 {.kernel = 2, .stride = 1, .padding = 1, .dilation = 4, .relu = true});
  EXPECT_EQ(dst.item<float>(), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(at.item<std::int64_t>(), -1);
}

TEST(Pooling, RefusesOptionsThatOverflow) {
  const Tensor x = ones({1, 1, 5, 5});
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  expect_error<UsageError>([&] { max_pool2d(x, {.kernel = 2, .stride = kMost, .ceil_mode = true}); },
                           "max_pool2d: stride is 9223372036854775807 (want at most 2147483647)");
  EXPECT_THROW(max_pool2d(x, {.kernel = 2, .dilation = kMost}), UsageError);
  EXPECT_THROW(adaptive_avg_pool2d(x, kMost), UsageError);
  EXPECT_EQ(max_pool2d(x, {.kernel = 2, .stride = 0x7fffffff, .ceil_mode = true}).shape(), (Shape{1, 1, 1, 1}));
}

}  // namespace
}  // namespace dagrad
