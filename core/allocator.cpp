// Blocks come in size classes. Each thread keeps, per class, two magazines (lists of free blocks); full magazines are
// exchanged with a depot that all threads share. So the usual request takes no lock, and a thread that only allocates
// is fed by one that only frees. (Bonwick and Adams, "Magazines and Vmem", USENIX 2001.)
//
// Small blocks are carved from slabs of 2 MiB; larger ones come from the system one by one.
#include "dagrad/core/allocator.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <unordered_map>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define DAGRAD_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DAGRAD_ASAN 1
#endif
#endif
#ifdef DAGRAD_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) static_cast<void>(0)
#define ASAN_UNPOISON_MEMORY_REGION(address, size) static_cast<void>(0)
#endif

namespace dagrad {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kSlabBytes = kHugePage;
constexpr std::size_t kLargestSlabBlock = std::size_t{32} << 10;

// Size classes: multiples of 32 up to 512, then eight steps per doubling (at most one eighth is lost).
constexpr std::size_t kLinearLimit = 512;
constexpr std::size_t kLinearStep = 32;
constexpr std::size_t kLinearClasses = kLinearLimit / kLinearStep;
constexpr std::size_t kClasses = kLinearClasses + std::size_t{8} * 52;

struct SizeClass {
  std::size_t index;
  std::size_t bytes;
};

SizeClass class_of(std::size_t bytes) {
  if (bytes <= kLinearLimit) {
    const std::size_t index = bytes == 0 ? 0 : (bytes - 1) / kLinearStep;
    return {index, (index + 1) * kLinearStep};
  }
  const auto shift = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 4;  // 8 to 15 steps of 2^shift
  const std::size_t steps = ((bytes - 1) >> shift) + 1;                        // 9 to 16
  return {kLinearClasses + (shift - 6) * 8 + (steps - 9), steps << shift};
}

struct FreeBlock {
  FreeBlock* next;
};

/// A list of free blocks of one class.
struct Magazine {
  FreeBlock* head = nullptr;
  std::uint32_t count = 0;

  void push(void* memory) {
    auto* block = static_cast<FreeBlock*>(memory);
    block->next = head;
    head = block;
    ++count;
  }
  void* pop() {
    FreeBlock* block = head;
    head = block->next;
    --count;
    return block;
  }
};

std::size_t block_bytes_of_class(std::size_t index) {
  if (index < kLinearClasses) return (index + 1) * kLinearStep;
  const std::size_t step = index - kLinearClasses;
  return (9 + step % 8) << (6 + step / 8);
}

std::uint32_t magazine_capacity(std::size_t block_bytes) {
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(kSlabBytes / block_bytes, 4, 256));
}

struct Books {
  // Written by one thread, read by all: plain loads and stores of atomics.
  std::atomic<std::int64_t> live{0};  // may be negative: freed here, allocated elsewhere
  std::atomic<std::int64_t> cached{0};
  std::atomic<std::uint64_t> system{0};

  template <class T>
  static void add(std::atomic<T>& counter, T amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
};

struct ThreadCache;

/// What all threads share. Never destroyed: tensors in static storage may outlive everything else.
struct Depot {
  std::mutex mutex;
  std::array<std::vector<Magazine>, kClasses> full;
  std::unordered_map<std::byte*, std::size_t>
      carved;  // of each slab that is used up: the bytes that were carved from it
  std::vector<ThreadCache*> threads;
  Books retired;  // of threads that have ended
  std::atomic<std::int64_t> global_live{0};
  std::atomic<std::int64_t> peak{0};
};

Depot& depot() {
  static Depot* const instance = new Depot;
  return *instance;
}

/// The live bytes of a thread are published to the depot in steps, so that the peak costs no shared write per request.
constexpr std::int64_t kPublishStep = std::int64_t{64} << 10;

struct ThreadCache {
  struct Slot {
    Magazine loaded, spare;
    std::uint32_t capacity = 0;  // of a magazine
  };
  std::array<Slot, kClasses> slots;
  std::byte* slab = nullptr;  // the open slab
  std::size_t slab_left = 0;
  std::size_t slab_carved = 0;
  Books books;
  std::int64_t unpublished = 0;

  ThreadCache() {
    for (std::size_t i = 0; i < kClasses; ++i) slots[i].capacity = magazine_capacity(block_bytes_of_class(i));
    const std::lock_guard lock(depot().mutex);
    depot().threads.push_back(this);
  }
  ~ThreadCache();
  ThreadCache(const ThreadCache&) = delete;
  ThreadCache& operator=(const ThreadCache&) = delete;

  void count_live(std::int64_t bytes) {
    Books::add(books.live, bytes);
    unpublished += bytes;
    if (unpublished >= kPublishStep || unpublished <= -kPublishStep) publish();
  }
  void close_slab() {
    if (slab == nullptr) return;
    const std::lock_guard lock(depot().mutex);
    depot().carved[slab] = slab_carved;
    slab = nullptr;
  }
  void publish() {
    Depot& shared = depot();
    const std::int64_t live = shared.global_live.fetch_add(unpublished, std::memory_order_relaxed) + unpublished;
    unpublished = 0;
    std::int64_t peak = shared.peak.load(std::memory_order_relaxed);
    while (live > peak && !shared.peak.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
    }
  }
};

// Trivially destructible, so that they can still be asked after the thread's cache is gone.
constinit thread_local bool cache_destroyed = false;
constinit thread_local ThreadCache* cache_in_use = nullptr;  // null before the first request and after the end

ThreadCache::~ThreadCache() {
  close_slab();
  publish();
  Depot& shared = depot();
  const std::lock_guard lock(shared.mutex);
  for (std::size_t i = 0; i < kClasses; ++i) {
    for (const Magazine& magazine : {slots[i].loaded, slots[i].spare}) {
      if (magazine.count > 0) shared.full[i].push_back(magazine);
    }
  }
  Books::add(shared.retired.live, books.live.load());
  Books::add(shared.retired.cached, books.cached.load());
  Books::add(shared.retired.system, books.system.load());
  std::erase(shared.threads, this);
  cache_destroyed = true;
  cache_in_use = nullptr;
}

[[gnu::noinline]] ThreadCache& make_thread_cache() {
  thread_local ThreadCache cache;
  cache_in_use = &cache;
  return cache;
}

ThreadCache& thread_cache() { return cache_in_use != nullptr ? *cache_in_use : make_thread_cache(); }

/// Whether the calling thread has no cache any more.
bool has_ended() { return cache_in_use == nullptr && cache_destroyed; }

void* system_allocate(std::size_t bytes, ThreadCache& cache) {
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : allocator::kAlignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, bytes) != 0) throw std::bad_alloc();
  // Large blocks are for tensors, which gain by huge pages. Slabs do not: the first touch of 224 MB of them took five
  // times as long with huge pages as without.
  if (bytes > kSlabBytes) madvise(memory, bytes, MADV_HUGEPAGE);
  Books::add(cache.books.system, std::uint64_t{1});
  return memory;
}

void* carve(std::size_t bytes, ThreadCache& cache) {
  const std::size_t alignment = bytes % allocator::kAlignment == 0 ? allocator::kAlignment : kLinearStep;
  std::size_t skip = cache.slab_left % alignment;
  if (cache.slab == nullptr || cache.slab_left < bytes + skip) {
    cache.close_slab();
    cache.slab = static_cast<std::byte*>(system_allocate(kSlabBytes, cache));
    cache.slab_left = kSlabBytes;
    cache.slab_carved = 0;
    skip = 0;
  }
  cache.slab_left -= skip;
  void* block = cache.slab + (kSlabBytes - cache.slab_left);
  cache.slab_left -= bytes;
  cache.slab_carved += bytes;
  return block;
}

void* refill(SizeClass size, ThreadCache& cache, ThreadCache::Slot& slot) {
  if (slot.spare.count > 0) {
    std::swap(slot.loaded, slot.spare);
    return slot.loaded.pop();
  }
  {
    Depot& shared = depot();
    const std::lock_guard lock(shared.mutex);
    auto& full = shared.full[size.index];
    if (!full.empty()) {
      slot.loaded = full.back();
      full.pop_back();
      return slot.loaded.pop();
    }
  }
  Books::add(cache.books.cached, static_cast<std::int64_t>(size.bytes));
  return size.bytes <= kLargestSlabBlock ? carve(size.bytes, cache) : system_allocate(size.bytes, cache);
}

void spill(SizeClass size, ThreadCache::Slot& slot) {
  if (slot.spare.count > 0) {
    Depot& shared = depot();
    const std::lock_guard lock(shared.mutex);
    shared.full[size.index].push_back(slot.spare);
  }
  slot.spare = slot.loaded;
  slot.loaded = Magazine{};
}

/// Frees the blocks of `magazines` that `is_garbage` names, and keeps the others in one magazine.
template <class F>
Magazine sift(std::initializer_list<Magazine*> magazines, F is_garbage) {
  Magazine kept;
  for (Magazine* magazine : magazines) {
    while (magazine->count > 0) {
      void* block = magazine->pop();
      if (!is_garbage(block)) kept.push(block);
    }
  }
  return kept;
}

std::byte* slab_of(void* block) {
  return reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(block) & ~(kSlabBytes - 1));
}

}  // namespace

AllocatorStatistics allocator_statistics() {
  if (!cache_destroyed) thread_cache().publish();
  Depot& shared = depot();
  const std::lock_guard lock(shared.mutex);
  std::int64_t live = shared.retired.live.load();
  std::int64_t taken = shared.retired.cached.load();
  AllocatorStatistics result;
  result.system_allocations = shared.retired.system.load();
  for (const ThreadCache* cache : shared.threads) {
    live += cache->books.live.load(std::memory_order_relaxed);
    taken += cache->books.cached.load(std::memory_order_relaxed);
    result.system_allocations += cache->books.system.load(std::memory_order_relaxed);
  }
  result.live_bytes = static_cast<std::size_t>(std::max<std::int64_t>(live, 0));
  result.cached_bytes = static_cast<std::size_t>(std::max<std::int64_t>(taken - live, 0));
  result.peak_bytes = static_cast<std::size_t>(std::max(shared.peak.load(), live));
  return result;
}

void reset_peak_bytes() {
  if (!cache_destroyed) thread_cache().publish();
  depot().peak.store(depot().global_live.load());
}

void empty_cache() {
  ThreadCache& cache = thread_cache();
  Depot& shared = depot();
  const std::lock_guard lock(shared.mutex);
  std::unordered_map<std::byte*, std::size_t> free_bytes;  // of each slab
  const auto release = [&cache](std::size_t bytes) {
    Books::add(cache.books.cached, -static_cast<std::int64_t>(bytes));
  };
  for (std::size_t i = 0; i < kClasses; ++i) {
    const std::size_t bytes = block_bytes_of_class(i);
    auto& slot = cache.slots[i];
    for (Magazine& magazine : shared.full[i]) {
      while (magazine.count > 0) slot.loaded.push(magazine.pop());
    }
    shared.full[i].clear();
    slot.loaded = sift({&slot.loaded, &slot.spare}, [&](void* block) {
      if (bytes <= kLargestSlabBlock) {
        free_bytes[slab_of(block)] += bytes;
        return false;
      }
      ASAN_UNPOISON_MEMORY_REGION(block, bytes);
      std::free(block);
      release(bytes);
      return true;
    });
    slot.spare = Magazine{};
  }
  // A slab goes when it is used up and all that was carved from it is free.
  const auto idle = [&](std::byte* slab) {
    const auto carved = shared.carved.find(slab);
    return carved != shared.carved.end() && carved->second == free_bytes[slab];
  };
  for (std::size_t i = 0; block_bytes_of_class(i) <= kLargestSlabBlock; ++i) {
    Magazine& loaded = cache.slots[i].loaded;
    loaded = sift({&loaded}, [&](void* block) {
      if (!idle(slab_of(block))) return false;
      release(block_bytes_of_class(i));
      return true;
    });
  }
  for (const auto& [slab, bytes] : free_bytes) {
    if (!idle(slab)) continue;
    ASAN_UNPOISON_MEMORY_REGION(slab, kSlabBytes);
    std::free(slab);
    shared.carved.erase(slab);
  }
}

namespace allocator {

std::size_t block_bytes(std::size_t bytes) { return class_of(bytes).bytes; }

void* allocate(std::size_t bytes) {
  const SizeClass size = class_of(bytes);
  if (size.index >= kClasses) throw std::bad_alloc();
  if (has_ended()) [[unlikely]] {
    // The destructor of another thread-local object asks after this thread's cache is gone.
    void* block = nullptr;
    if (posix_memalign(&block, kAlignment, size.bytes) != 0) throw std::bad_alloc();
    Depot& shared = depot();
    const std::lock_guard lock(shared.mutex);
    for (auto* counter : {&shared.retired.live, &shared.retired.cached}) {
      Books::add(*counter, static_cast<std::int64_t>(size.bytes));
    }
    Books::add(shared.retired.system, std::uint64_t{1});
    return block;
  }
  ThreadCache& cache = thread_cache();
  auto& slot = cache.slots[size.index];
  void* block = slot.loaded.count > 0 ? slot.loaded.pop() : refill(size, cache, slot);
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
  cache.count_live(static_cast<std::int64_t>(size.bytes));
  return block;
}

void deallocate(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return;
  const SizeClass size = class_of(bytes);
  if (has_ended()) [[unlikely]] {
    Depot& shared = depot();
    const std::lock_guard lock(shared.mutex);
    Magazine single;
    single.push(block);
    shared.full[size.index].push_back(single);
    Books::add(shared.retired.live, -static_cast<std::int64_t>(size.bytes));
    return;
  }
  ThreadCache& cache = thread_cache();
  auto& slot = cache.slots[size.index];
  if (slot.loaded.count >= slot.capacity) spill(size, slot);
  slot.loaded.push(block);
#ifdef DAGRAD_ASAN
  const std::size_t head = sizeof(FreeBlock);
  if (size.bytes > head) ASAN_POISON_MEMORY_REGION(static_cast<std::byte*>(block) + head, size.bytes - head);
#endif
  cache.count_live(-static_cast<std::int64_t>(size.bytes));
}

}  // namespace allocator
}  // namespace dagrad
