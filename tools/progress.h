// Progress on standard error: a bar on a terminal, a line an epoch elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dagrad::tools {

/// Shows how far `runs` runs of `epochs` epochs each are.
class Progress {
 public:
  enum class Style { automatic, quiet };
  Progress(std::int64_t runs, std::int64_t epochs, Style style);

  /// The next run; `name` stands before its epochs, and may be empty.
  void begin_run(const std::string& name);
  /// Whether it is time to draw again: a few times a second on a terminal, never elsewhere.
  bool due() const;
  /// Draws the bar of an epoch of `steps` steps, with `note` behind it, as wide as the terminal is.
  void step(std::int64_t epoch, std::int64_t step, std::int64_t steps, const std::string& note);
  /// After each epoch: replaces the bar by a line that stays.
  void epoch(std::int64_t epoch, const std::string& note);
  /// Takes away a bar that no line of its epoch has replaced.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string place(std::int64_t epoch) const;

  std::int64_t runs_, epochs_, run_ = -1;
  std::string name_;
  bool quiet_, terminal_, color_, is_drawn_ = false;
  Clock::time_point drawn_, start_;
  double done_at_start_ = -1;  // epochs, when the first bar was drawn: those of a run that was resumed took no time
};

/// A line on a terminal that says what is being done and is gone afterwards; nothing elsewhere.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(const std::string& text);
  /// Takes the line away, for others to write in its place.
  void clear();

 private:
  bool terminal_, is_shown_ = false;
};

/// `1:05` for 65 seconds, `3s` below a minute.
std::string duration_text(double seconds);
/// `epoch 3/10 [=====-----] note  ETA 3s` in at most `width` characters: the bar takes what the rest leaves, up to 24,
/// and goes first; then the note is cut.
std::string bar_text(const std::string& place, double share, const std::string& note, const std::string& eta,
                     std::size_t width, bool color);

}  // namespace dagrad::tools
