#include "dagrad/core/capture/plan.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "dagrad/core/random.h"

namespace dagrad {
namespace {

TEST(MemoryPlan, PutsBlocksThatNeverMeetInOnePlace) {
  const std::vector<Tenure> blocks{{64, 0, 1}, {64, 2, 3}, {64, 4, 5}};
  const MemoryPlan plan = plan_memory(blocks);
  EXPECT_EQ(plan.bytes, 64u);
  EXPECT_EQ(plan.offsets, (std::vector<std::size_t>{0, 0, 0}));
}

TEST(MemoryPlan, KeepsBlocksThatMeetApart) {
  const std::vector<Tenure> blocks{{100, 0, 2}, {1, 2, 2}, {0, 1, 3}};
  const MemoryPlan plan = plan_memory(blocks);
  EXPECT_EQ(plan.bytes, 256u);
  EXPECT_EQ(plan.least, 256u);
}

TEST(MemoryPlan, TakesTheSmallestGapThatHoldsABlock) {
  const std::vector<Tenure> blocks{{256, 0, 0}, {192, 0, 9}, {128, 0, 0}, {64, 0, 9}, {128, 1, 1}};
  EXPECT_EQ(plan_memory(blocks).offsets[4], plan_memory(blocks).offsets[2]);
}

TEST(MemoryPlan, NeverOverlapsAndIsNearTheLeast) {
  Generator random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<Tenure> blocks;
    for (int i = 0; i < 200; ++i) {
      const std::size_t first = random.next_below(300);
      blocks.push_back({random.next_below(5000), first, first + random.next_below(30)});
    }
    const MemoryPlan plan = plan_memory(blocks);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_EQ(plan.offsets[i] % 64, 0u);
      EXPECT_LE(plan.offsets[i] + blocks[i].bytes, plan.bytes);
      for (std::size_t j = 0; j < i; ++j) {
        if (blocks[i].last < blocks[j].first || blocks[j].last < blocks[i].first) continue;
        EXPECT_TRUE(plan.offsets[i] + blocks[i].bytes <= plan.offsets[j] ||
                    plan.offsets[j] + blocks[j].bytes <= plan.offsets[i]);
      }
    }
    EXPECT_GE(plan.bytes, plan.least);
    EXPECT_LE(plan.bytes, plan.least * 2);
  }
}

}  // namespace
}  // namespace dagrad
