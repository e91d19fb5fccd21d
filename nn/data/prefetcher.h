// Threads that make the items of a sequence ahead of the one who takes them. Internal.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace dagrad::data {

/// Makes items `first` to count - 1 by `make(i)` in `workers` threads, at most `ahead` of them before they are taken,
/// and hands them out in order. Destroying it stops the threads after the item that each is at.
template <class Item>
class Prefetcher {
 public:
  Prefetcher(std::int64_t first, std::int64_t count, int workers, std::int64_t ahead,
             std::function<Item(std::int64_t)> make)
      : count_(count), make_(std::move(make)), slots_(static_cast<std::size_t>(ahead)), begun_(first), taken_(first) {
    try {
      for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
    } catch (...) {  // the system has no more threads
      stop();
      throw;
    }
  }
  ~Prefetcher() { stop(); }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next item. Throws what its making threw.
  Item take() {
    std::unique_lock lock(mutex_);
    Slot& slot = slot_of(taken_);
    made_.wait(lock, [&] { return slot.item || slot.error; });
    const std::exception_ptr error = std::exchange(slot.error, nullptr);
    std::optional<Item> item = std::exchange(slot.item, std::nullopt);
    ++taken_;
    lock.unlock();
    room_.notify_one();
    if (error) std::rethrow_exception(error);
    return std::move(*item);
  }

 private:
  struct Slot {
    std::optional<Item> item;
    std::exception_ptr error;
  };
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Slot& slot_of(std::int64_t i) { return slots_[static_cast<std::size_t>(i) % slots_.size()]; }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      room_.wait(lock, [&] {
        return stopped_ || begun_ == count_ || begun_ < taken_ + static_cast<std::int64_t>(slots_.size());
      });
      if (stopped_ || begun_ == count_) return;
      const std::int64_t i = begun_++;
      lock.unlock();
      Slot result;
      try {
        result.item = make_(i);
      } catch (...) {
        result.error = std::current_exception();
      }
      lock.lock();
      slot_of(i) = std::move(result);
      made_.notify_one();
    }
  }

  const std::int64_t count_;
  const std::function<Item(std::int64_t)> make_;
  std::mutex mutex_;
  std::condition_variable made_, room_;
  std::vector<Slot> slots_;
  std::int64_t begun_, taken_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dagrad::data
