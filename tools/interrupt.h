// Ctrl-C.
#pragma once

namespace dagrad::tools {

/// For a scope, Ctrl-C (and a polite kill) only sets a flag; a second one ends the program at once.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool interrupted() const;
};

}  // namespace dagrad::tools
