// Progress on standard error: a bar on a terminal, a line an epoch elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dagrad::tools {

/// Shows how far a run of `epochs` epochs of `steps` steps is.
class Progress {
 public:
  enum class Style { automatic, quiet };
  Progress(std::int64_t epochs, std::int64_t steps, Style style);

  /// Whether it is time to draw again: a few times a second on a terminal, never elsewhere.
  bool due() const;
  /// Draws the bar, with `note` behind it.
  void step(std::int64_t epoch, std::int64_t step, const std::string& note);
  /// After each epoch: replaces the bar by a line that stays.
  void epoch(std::int64_t epoch, const std::string& note);

 private:
  using Clock = std::chrono::steady_clock;
  std::int64_t epochs_, steps_;
  bool quiet_, terminal_, color_;
  Clock::time_point start_, drawn_;
};

/// `1:05` for 65 seconds, `3s` below a minute.
std::string duration_text(double seconds);

}  // namespace dagrad::tools
