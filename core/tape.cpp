#include "dagrad/core/tape.h"

#include <array>
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <mutex>

#include "dagrad/core/single_threaded.h"

namespace dagrad {
namespace {

constexpr std::size_t kTapes = 64;

/// Held for a few instructions at a time, nearly always by its own thread, so spinning is cheaper than a mutex.
class SpinLock {
 public:
  void lock() {
    while (taken_.exchange(true, std::memory_order_acquire)) {
      while (taken_.load(std::memory_order_relaxed)) {
      }
    }
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

/// Holds a lock that only another thread could be holding: none when there is no other.
class SoleOrLocked {
 public:
  explicit SoleOrLocked(SpinLock& lock) : lock_(single_threaded() ? nullptr : &lock) {
    if (lock_ != nullptr) lock_->lock();
  }
  ~SoleOrLocked() {
    if (lock_ != nullptr) lock_->unlock();
  }
  SoleOrLocked(const SoleOrLocked&) = delete;
  SoleOrLocked& operator=(const SoleOrLocked&) = delete;

 private:
  SpinLock* lock_;
};

std::atomic<std::size_t> threads_seen{0};

std::size_t index_of_thread() {
  thread_local const std::size_t index = threads_seen.fetch_add(1, std::memory_order_relaxed) % kTapes;
  return index;
}

}  // namespace

struct Tape::State {
  mutable SpinLock lock;
  boost::intrusive::list<Node> nodes;
  std::size_t bytes = 0;
};

namespace {

/// Never destroyed: nodes in static storage may outlive everything else.
template <class T>
T* all_tapes() {
  static T* const tapes = new T[kTapes];
  return tapes;
}

}  // namespace

Tape::Tape() : state_(all_tapes<State>() + index_of_thread()) {}

Tape& Tape::current() {
  thread_local Tape tape;
  return tape;
}

std::size_t Tape::size() const {
  const std::lock_guard guard(state_->lock);
  return state_->nodes.size();
}

std::size_t Tape::bytes() const {
  const std::lock_guard guard(state_->lock);
  return state_->bytes;
}

void Tape::for_each(const std::function<void(const Node&)>& visit) const {
  const std::lock_guard guard(state_->lock);
  for (const Node& node : state_->nodes) visit(node);
}

void Tape::link(Node& node) {
  node.tape_ = static_cast<std::uint8_t>(state_ - all_tapes<State>());
  const SoleOrLocked guard(state_->lock);
  state_->nodes.push_back(node);
  state_->bytes += node.bytes();
}

void Tape::unlink(Node& node) noexcept {
  State& state = all_tapes<State>()[node.tape_];
  const SoleOrLocked guard(state.lock);
  state.nodes.erase(state.nodes.iterator_to(node));
  state.bytes -= node.bytes();
}

}  // namespace dagrad
