// The caching allocator under every tensor and node.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dagrad {

/// What the allocator holds, over all threads. Bytes count whole blocks (requests rounded up to their size class).
struct AllocatorStatistics {
  std::size_t live_bytes = 0;  ///< handed out now
  std::size_t peak_bytes =
      0;  ///< the largest live_bytes since the start or reset_peak_bytes(), to within 64 KiB a thread
  std::size_t cached_bytes = 0;          ///< held from the system, ready for reuse
  std::uint64_t system_allocations = 0;  ///< how often memory was asked of the system; constant in a warm training loop
};

/// A snapshot. Each thread keeps its own books, which are added up here; exact when no other thread allocates.
AllocatorStatistics allocator_statistics();

/// Starts a new peak measurement at the present live_bytes.
void reset_peak_bytes();

/// Returns cached memory to the system: whole blocks above the slab size and slabs that are entirely free.
/// Looks at the calling thread's cache and at the shared depot.
void empty_cache();

namespace allocator {

/// Alignment of every block whose size is a multiple of it: a cache line, and an AVX-512 vector.
inline constexpr std::size_t kAlignment = 64;

/// A block of at least `bytes` bytes, aligned to 64 bytes when `bytes` is a multiple of 64, else to 32.
/// Thread-safe; a hit in the thread's cache takes a few nanoseconds. Throws std::bad_alloc.
void* allocate(std::size_t bytes);

/// The bytes of the block that allocate(bytes) gives.
std::size_t block_bytes(std::size_t bytes);

/// Gives a block back, from any thread. `bytes` is what allocate() was called with.
void deallocate(void* block, std::size_t bytes) noexcept;

}  // namespace allocator
}  // namespace dagrad
