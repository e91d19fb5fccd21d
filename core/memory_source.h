// Where the calling thread's new storages get their memory from. Internal.
#pragma once

#include <cstddef>
#include <utility>

#include "dagrad/core/storage.h"

namespace dagrad {

/// Stands in for the caching allocator.
class MemorySource {
 public:
  virtual Storage::Pointer allocate(std::size_t bytes) = 0;

 protected:
  ~MemorySource() = default;
};

namespace detail {

// Read whenever a storage is made; null: the caching allocator.
extern constinit thread_local MemorySource* memory_source;

}  // namespace detail

/// For a scope of the calling thread: memory comes from `source`; null is the caching allocator.
class MemoryFrom {
 public:
  explicit MemoryFrom(MemorySource* source) : before_(std::exchange(detail::memory_source, source)) {}
  ~MemoryFrom() { detail::memory_source = before_; }
  MemoryFrom(const MemoryFrom&) = delete;
  MemoryFrom& operator=(const MemoryFrom&) = delete;

 private:
  MemorySource* before_;
};

}  // namespace dagrad
