// Ctrl-C.
#pragma once

namespace dagrad::tools {

/// From here on Ctrl-C (and a polite kill) ends the program with a line on stderr and exit code 130, but not in the
/// middle of a file: see Uninterrupted.
void end_on_interrupt();

/// For a scope, an end by end_on_interrupt() is put off to the end of the scope.
class Uninterrupted {
 public:
  Uninterrupted();
  ~Uninterrupted();
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;
};

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
