// Whether ops are recorded.
#pragma once

namespace dagrad {

/// Whether the calling thread records ops (true at its start).
bool grad_enabled();
void set_grad_enabled(bool enabled);

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
bool anomaly_enabled();

/// For a scope: the first op whose result, or whose gradient, holds a NaN throws GradientError with the op's name,
/// the place where it was recorded and the index of the first NaN. Costs one pass over every result.
class AnomalyMode {
 public:
  explicit AnomalyMode(bool enabled = true);
  ~AnomalyMode();
  AnomalyMode(const AnomalyMode&) = delete;
  AnomalyMode& operator=(const AnomalyMode&) = delete;

 private:
  bool before_;
};

}  // namespace dagrad
