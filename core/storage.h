// Reference-counted memory under tensors.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dagrad/core/location.h"

namespace dagrad {

/// A run of bytes shared by a tensor and its views, aligned to 64 bytes, with a version that each in-place change
/// raises.
class Storage {
 public:
  using Pointer = boost::intrusive_ptr<Storage>;

  /// Uninitialised memory from the caching allocator. Throws std::bad_alloc.
  static Pointer allocate(std::size_t bytes);

  /// Bytes that the allocator hands out for a storage of `bytes`.
  static std::size_t footprint(std::size_t bytes);

  /// Memory that the caller owns; `release` (may be empty) runs when the last tensor lets go.
  static Pointer wrap(void* data, std::size_t bytes, std::function<void()> release);

  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  std::uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  // Writing is one thread's business, so the count needs no locked instruction.
  void bump_version() { version_.store(version() + 1, std::memory_order_relaxed); }

  /// Says, for messages, who made the change that led to the present version. `op` must live as long as the program.
  void note_change(std::string_view op, Location where) {
    changed_by_ = op;
    changed_in_ = where.file;
    changed_on_line_ = where.line;
    noted_version_ = version();
  }
  /// `'fill_' at file:line`, as far as it was noted.
  std::string last_change() const;

  /// How many tensors lie in it, views among them.
  std::uint32_t references() const { return references_.load(std::memory_order_acquire); }
  /// Whether the caller's is the only reference.
  bool unique() const { return references_.load(std::memory_order_acquire) == 1; }

 private:
  Storage(std::byte* data, std::size_t bytes) : data_(data), bytes_(bytes) {}
  ~Storage() = default;
  static void destroy(Storage* storage) noexcept;

  friend void intrusive_ptr_add_ref(Storage* s) { s->references_.fetch_add(1, std::memory_order_relaxed); }
  friend void intrusive_ptr_release(Storage* s) {
    if (s->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(s);
  }

  std::atomic<std::uint32_t> references_{0};
  std::atomic<std::uint32_t> version_{0};
  std::byte* data_;
  std::size_t bytes_;
  std::function<void()>* release_ = nullptr;  // wrapped memory only
  std::string_view changed_by_;
  const char* changed_in_ = "";
  std::uint32_t changed_on_line_ = 0;
  std::uint32_t noted_version_ = 0;
};

}  // namespace dagrad
