// What the op table does not see of views: that they share, and what they record.
#include "dagrad/ops/view.h"

#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/split.h"
#include "dagrad/ops/unfold.h"

namespace dagrad {
namespace {

TEST(View, SharesItsElementsWithTheSource) {
  const Tensor x = zeros({4, 6});
  for (const Tensor& t : {view(x, {2, 12}), swapaxes(x, 0, 1), movedim(x, 0, 1), broadcast_to(x, {3, 4, 6}),
                          unfold(x, 1, 3, 1), split(x, 2)[1], chunk(x, 3, 1)[2], unbind(x)[3]})
    EXPECT_EQ(t.storage(), x.storage());
}

TEST(View, OfSeveralPartsIsRecordedOnce) {
  const Tensor x = zeros({4, 6}).requires_grad_();
  const std::vector<Tensor> parts = chunk(x, 4);
  for (const Tensor& part : parts) EXPECT_EQ(part.node(), parts[0].node());
}

TEST(View, OfPartsOfWhichOneIsUsedGivesTheOthersZero) {
  const Tensor x = zeros({2, 3}).requires_grad_();
  sum(unbind(x, 1)[2]).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 0, 1, 0, 0, 1}));
}

TEST(View, HasMorePartsThanANodeHasOutputs) {
  const Tensor x = zeros({70'000}).requires_grad_();
  for (const std::vector<Tensor>& parts : {unbind(x), split(x, 1)}) {
    ASSERT_EQ(parts.size(), 70'000U);
    const Tensor gradient = grad(std::vector{sum(parts.back())}, std::vector{x})[0];
    EXPECT_EQ(sum(gradient).item<double>(), 1);
    EXPECT_EQ(gradient.to_vector<double>().back(), 1);
  }
}

TEST(Slice, OfStepsLongerThanTheAxisIsTheFirstElement) {
  const Tensor x = arange(0, 5);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(slice(x, 0, 1, 5, kMost).to_vector<int>(), std::vector<int>{1});
  EXPECT_EQ(slice(x, 0, 5, kMost, kMost).numel(), 0);
}

}  // namespace
}  // namespace dagrad
