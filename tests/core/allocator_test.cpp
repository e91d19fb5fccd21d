#include "dagrad/core/allocator.h"

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <set>
#include <thread>
#include <vector>

namespace dagrad {
namespace {

TEST(Allocator, AlignsBlocksToCacheLines) {
  for (const std::size_t bytes : {64u, 128u, 640u, 4096u, 1u << 20, 5u << 20}) {
    void* block = allocator::allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u) << bytes;
    std::memset(block, 0xab, bytes);
    allocator::deallocate(block, bytes);
  }
}

TEST(Allocator, KeepsBlocksOfAnySizeApart) {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (std::size_t bytes = 1; bytes < 100000; bytes += bytes / 7 + 1) {
    auto* block = static_cast<unsigned char*>(allocator::allocate(bytes));
    std::memset(block, static_cast<int>(blocks.size() % 251), bytes);
    blocks.emplace_back(block, bytes);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto [block, bytes] = blocks[i];
    EXPECT_EQ(block[0], i % 251);
    EXPECT_EQ(block[bytes - 1], i % 251);
    allocator::deallocate(block, bytes);
  }
}

TEST(Allocator, AsksTheSystemOnlyOnce) {
  const auto round = [] {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (int i = 0; i < 200; ++i) {
      const std::size_t bytes = static_cast<std::size_t>(i + 1) * 3000;
      blocks.emplace_back(allocator::allocate(bytes), bytes);
    }
    for (const auto& [block, bytes] : blocks) allocator::deallocate(block, bytes);
  };
  round();
  const auto before = allocator_statistics().system_allocations;
  for (int i = 0; i < 5; ++i) round();
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

TEST(Allocator, CountsLiveAndPeakBytes) {
  const auto before = allocator_statistics();
  reset_peak_bytes();
  void* block = allocator::allocate(1 << 20);
  EXPECT_EQ(allocator_statistics().live_bytes, before.live_bytes + (1 << 20));
  allocator::deallocate(block, 1 << 20);
  EXPECT_EQ(allocator_statistics().live_bytes, before.live_bytes);
  EXPECT_GE(allocator_statistics().peak_bytes, before.live_bytes + (1 << 20));
}

TEST(Allocator, EmptiesItsCacheButKeepsWhatIsInUse) {
  std::vector<void*> kept, given;
  for (int i = 0; i < 40000; ++i) {
    void* block = allocator::allocate(192);
    std::memset(block, 7, 192);
    (i % 20000 == 0 ? kept : given).push_back(block);
  }
  void* large = allocator::allocate(9 << 20);
  for (void* block : given) allocator::deallocate(block, 192);
  allocator::deallocate(large, 9 << 20);
  const std::size_t cached = allocator_statistics().cached_bytes;
  empty_cache();
  EXPECT_LT(allocator_statistics().cached_bytes + (9 << 20), cached + 1);
  for (void* block : kept) {
    EXPECT_EQ(static_cast<unsigned char*>(block)[191], 7);
    allocator::deallocate(block, 192);
  }
  // And goes on working.
  void* again = allocator::allocate(192);
  std::memset(again, 1, 192);
  allocator::deallocate(again, 192);
}

TEST(Allocator, FeedsAThreadThatOnlyAllocatesFromOneThatOnlyFrees) {
  constexpr std::size_t kBytes = 2048;
  std::vector<void*> blocks;
  const auto produce = [&] {
    for (int i = 0; i < 3000; ++i) blocks.push_back(allocator::allocate(kBytes));
  };
  const auto consume = [&] {
    for (void* block : blocks) allocator::deallocate(block, kBytes);
    blocks.clear();
  };
  for (int i = 0; i < 3; ++i) {
    std::thread(produce).join();
    std::thread(consume).join();
  }
  const auto before = allocator_statistics().system_allocations;
  for (int i = 0; i < 3; ++i) {
    std::thread(produce).join();
    std::thread(consume).join();
  }
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

TEST(Allocator, RefusesWhatNoMachineHas) { EXPECT_THROW(allocator::allocate(std::size_t{1} << 62), std::bad_alloc); }

}  // namespace
}  // namespace dagrad
