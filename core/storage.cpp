#include "dagrad/core/storage.h"

#include <fmt/format.h>
#include <new>

#include "dagrad/core/allocator.h"
#include "dagrad/core/memory_source.h"

namespace dagrad {
namespace detail {

constinit thread_local MemorySource* memory_source = nullptr;

}  // namespace detail

namespace {

// Small elements live right behind the header, in one block; larger ones in a block of their own.
constexpr std::size_t kHeader = 64;
constexpr std::size_t kInlineLimit = 4096;
static_assert(sizeof(Storage) <= kHeader);

std::size_t round_up(std::size_t bytes) {
  return (bytes + allocator::kAlignment - 1) / allocator::kAlignment * allocator::kAlignment;
}

}  // namespace

Storage::Pointer Storage::allocate(std::size_t bytes) {
  if (detail::memory_source != nullptr) [[unlikely]]
    return detail::memory_source->allocate(bytes);
  if (bytes <= kInlineLimit) {
    auto* block = static_cast<std::byte*>(allocator::allocate(kHeader + round_up(bytes)));
    return Pointer(new (block) Storage(block + kHeader, bytes));
  }
  void* header = allocator::allocate(kHeader);
  try {
    return Pointer(new (header) Storage(static_cast<std::byte*>(allocator::allocate(round_up(bytes))), bytes));
  } catch (...) {
    allocator::deallocate(header, kHeader);
    throw;
  }
}

std::size_t Storage::footprint(std::size_t bytes) {
  if (bytes <= kInlineLimit) return allocator::block_bytes(kHeader + round_up(bytes));
  return allocator::block_bytes(kHeader) + allocator::block_bytes(round_up(bytes));
}

Storage::Pointer Storage::wrap(void* data, std::size_t bytes, std::function<void()> release) {
  auto hook = std::make_unique<std::function<void()>>(std::move(release));
  Pointer storage(new (allocator::allocate(kHeader)) Storage(static_cast<std::byte*>(data), bytes));
  storage->release_ = hook.release();
  return storage;
}

std::string Storage::last_change() const {
  if (changed_by_.empty() || noted_version_ != version()) return "a write through mutable_data()";
  if (changed_on_line_ == 0) return fmt::format("'{}'", changed_by_);
  return fmt::format("'{}' at {}:{}", changed_by_, changed_in_, changed_on_line_);
}

void Storage::destroy(Storage* storage) noexcept {
  auto* block = reinterpret_cast<std::byte*>(storage);
  const std::size_t bytes = storage->bytes_;
  if (storage->release_ != nullptr) {
    if (*storage->release_) (*storage->release_)();
    delete storage->release_;
    storage->~Storage();
    allocator::deallocate(block, kHeader);
    return;
  }
  std::byte* const data = storage->data_;
  storage->~Storage();
  if (bytes <= kInlineLimit) {
    allocator::deallocate(block, kHeader + round_up(bytes));
  } else {
    allocator::deallocate(data, round_up(bytes));
    allocator::deallocate(block, kHeader);
  }
}

}  // namespace dagrad
