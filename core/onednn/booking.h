// Entering into the calling thread's ledgers. Internal.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "dagrad/core/watch.h"

namespace dagrad::onednn {

/// What runs, in oneDNN's words.
struct Identity {
  std::string kind, implementation;
  std::size_t bytes = 0;  // of all operands
  double share = 1;       // of a reorder: what part of the operands of the primitive that it serves it moves

  bool is_reorder() const { return kind == "reorder" || kind == "copy"; }
  bool is_reference() const { return implementation.starts_with("ref"); }
};

/// Times what its scope runs, and enters it into every ledger of the thread. Only to be made when
/// watched(Watch::ledger). Throws PerformanceError, before anything has run, when a strict ledger objects.
class Booking {
 public:
  using Clock = std::chrono::steady_clock;

  /// `creation` is what making it took, or nothing when it was in the cache.
  explicit Booking(Identity identity, Clock::duration creation = {});
  ~Booking();
  Booking(const Booking&) = delete;
  Booking& operator=(const Booking&) = delete;

 private:
  Identity identity_;
  std::string_view op_;
  Clock::duration creation_;
  Clock::time_point start_;
};

}  // namespace dagrad::onednn
