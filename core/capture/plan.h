// Where in one piece of memory blocks lie whose lives are known beforehand. Internal.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace dagrad {

/// A block that is in use from instruction `first` to instruction `last`.
struct Tenure {
  std::size_t bytes, first, last;
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  // of the blocks, multiples of 64
  std::size_t bytes = 0;             // of the whole
  std::size_t least = 0;             // the most that is in use at one time, below which no plan can go
};

/// Blocks in use at the same time do not overlap. Each takes, as its life begins, the smallest gap that holds it.
MemoryPlan plan_memory(std::span<const Tenure> blocks);

}  // namespace dagrad
