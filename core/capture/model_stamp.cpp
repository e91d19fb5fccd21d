#include "dagrad/core/capture/model_stamp.h"

#include <atomic>

namespace dagrad {
namespace {

constinit std::atomic<std::uint64_t> modes{0}, changes{0};
constinit thread_local std::uint64_t changes_here = 0;

/// The finalizer of MurmurHash3: addresses differ in few bits.
std::uint64_t mixed(std::uint64_t word) {
  word = (word ^ word >> 33) * 0xff51afd7ed558ccdu;
  word = (word ^ word >> 33) * 0xc4ceb9fe1a85ec53u;
  return word ^ word >> 33;
}

}  // namespace

ModelStamp model_stamp() { return {modes.load(std::memory_order_relaxed), changes.load(std::memory_order_relaxed)}; }

void note_mode_switch(const void* module) {
  modes.fetch_xor(mixed(reinterpret_cast<std::uintptr_t>(module)), std::memory_order_relaxed);
}

void note_model_change() {
  changes.fetch_add(1, std::memory_order_relaxed);
  ++changes_here;
}

std::uint64_t model_changes_by_this_thread() { return changes_here; }

}  // namespace dagrad
