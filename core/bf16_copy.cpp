#include "dagrad/core/bf16_copy.h"

#include <atomic>
#include <mutex>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/leaf.h"
#include "dagrad/core/memory_source.h"
#include "dagrad/core/rehearsal.h"

namespace dagrad {
namespace {

/// One for all leaves: it is held to look, and to round, which is once a step.
std::mutex& mutex() {
  static auto* const instance = new std::mutex;
  return *instance;
}

/// Whether there is any: most programs never ask.
std::atomic<bool> in_use{false};

Leaf* leaf_of(const Tensor& t) {
  return t.requires_grad() && t.node()->is_leaf() ? static_cast<Leaf*>(t.node().get()) : nullptr;
}

Tensor rounded(const Tensor& t) {
  Tensor copy = Tensor::allocate({t.shape(), bf16, t.format()});
  copy_elements(t, copy);
  return copy;
}

/// The copy that is kept, which a replay brings up to date where no optimizer's pass has done so.
Tensor captured(const Tensor& t) {
  Tensor copy;
  {
    const WatchScope unseen(Watch::capture, false);
    copy = rounded_to_bf16(t);
  }
  Capture::renewal(copy, [t, copy]() mutable {
    const Tensor now = rounded_to_bf16(t);
    if (now.raw_data() != copy.raw_data()) copy_elements(now, copy);
  });
  return copy;
}

}  // namespace

Tensor rounded_to_bf16(const Tensor& t) {
  Leaf* const leaf = leaf_of(t);
  if (leaf == nullptr || !t.is_contiguous()) return rounded(t);
  if (watched(Watch::capture)) [[unlikely]]
    return captured(t);
  const std::lock_guard lock(mutex());
  Leaf::Bf16Copy& kept = leaf->bf16_copy();
  if (!kept.copy.defined() || kept.elements != t.raw_data() || kept.version != t.version()) {
    if (Rehearsal* const rehearsal = Rehearsal::current()) {  // in which nothing is rounded
      Tensor& stand_in = rehearsal->kept_by(leaf);
      if (!stand_in.defined() || stand_in.shape() != t.shape()) stand_in = rounded(t);
      return stand_in;
    }
    const MemoryFrom allocator(nullptr);  // whoever asks, the copy outlives it
    kept = {rounded(t), t.raw_data(), t.version()};
  }
  in_use.store(true, std::memory_order_relaxed);
  return kept.copy;
}

Tensor kept_bf16_copy(const Tensor& leaf) {
  if (!in_use.load(std::memory_order_relaxed)) return {};
  Leaf* const node = leaf_of(leaf);
  if (node == nullptr) return {};
  const std::lock_guard lock(mutex());
  const Leaf::Bf16Copy& kept = node->bf16_copy();
  const bool fits = kept.copy.defined() && kept.elements == leaf.raw_data() && kept.copy.shape() == leaf.shape();
  return fits ? kept.copy : Tensor();
}

void renew_bf16_copy(const Tensor& leaf) {
  const std::lock_guard lock(mutex());
  leaf_of(leaf)->bf16_copy().version = leaf.version();
}

}  // namespace dagrad
