#include "dagrad/core/storage.h"

#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include "dagrad/core/allocator.h"

namespace dagrad {
namespace {

TEST(Storage, GivesBackExactlyWhatItTook) {
  // A header and its elements may lie side by side in a slab without being one block.
  const auto live = allocator_statistics().live_bytes;
  {
    std::vector<Storage::Pointer> all;
    for (const std::size_t bytes : {0u, 1u, 64u, 4096u, 4097u, 30000u, 32768u, 100000u, 3000000u}) {
      for (int i = 0; i < 50; ++i) {
        all.push_back(Storage::allocate(bytes));
        if (bytes > 0) std::memset(all.back()->data(), i, bytes);
      }
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i]->bytes() == 0) continue;
      ASSERT_EQ(all[i]->data()[0], static_cast<std::byte>(i % 50));
      ASSERT_EQ(all[i]->data()[all[i]->bytes() - 1], static_cast<std::byte>(i % 50));
    }
  }
  EXPECT_EQ(allocator_statistics().live_bytes, live);
}

TEST(Storage, CountsItsVersionsAndOwners) {
  Storage::Pointer storage = Storage::allocate(8);
  EXPECT_EQ(storage->version(), 0u);
  storage->bump_version();
  EXPECT_EQ(storage->version(), 1u);
  EXPECT_TRUE(storage->unique());
  const Storage::Pointer other = storage;
  EXPECT_FALSE(storage->unique());
}

}  // namespace
}  // namespace dagrad
