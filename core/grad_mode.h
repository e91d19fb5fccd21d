// Whether ops are recorded.
#pragma once

#include <cstdint>

#include "dagrad/core/watch.h"

namespace dagrad {

/// What anomaly mode looks for.
enum class Anomaly : std::uint8_t { nothing, nan, not_finite };

namespace detail {

// Read several times an op, so without a call.
extern constinit thread_local bool recording;

}  // namespace detail

/// Whether the calling thread records ops (true at its start).
inline bool grad_enabled() { return detail::recording; }
inline void set_grad_enabled(bool enabled) { detail::recording = enabled; }

/// Switches recording for a scope: `NoGrad guard;` or `GradMode guard(false);`.
class GradMode {
 public:
  explicit GradMode(bool enabled) : before_(grad_enabled()) { set_grad_enabled(enabled); }
  ~GradMode() { set_grad_enabled(before_); }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

class NoGrad : public GradMode {
 public:
  NoGrad() : GradMode(false) {}
};

/// Whether results and gradients of the calling thread are searched for NaN.
inline bool anomaly_enabled() { return watched(Watch::anomaly); }

/// For a scope: the first op whose result, or whose gradient, holds a NaN (or, with Anomaly::not_finite, an infinity)
/// throws GradientError with the op's name, the place and the module where it was recorded, the index of the first such
/// element and its value, and the ranges of what went in. Costs one pass over every result.
class AnomalyMode {
 public:
  explicit AnomalyMode(bool enabled = true) : AnomalyMode(enabled ? Anomaly::nan : Anomaly::nothing) {}
  explicit AnomalyMode(Anomaly what)
      : anomaly_(Watch::anomaly, what != Anomaly::nothing), infinity_(Watch::infinity, what == Anomaly::not_finite) {}

 private:
  WatchScope anomaly_, infinity_;
};

}  // namespace dagrad
