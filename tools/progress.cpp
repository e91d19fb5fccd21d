#include "tools/progress.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

namespace dagrad::tools {
namespace {

constexpr int kBarWidth = 24;
constexpr auto kBetweenDrawings = std::chrono::milliseconds(100);
constexpr const char* kClearLine = "\r\033[K";

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  return no_color == nullptr || *no_color == '\0';
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole < 60) return fmt::format("{}s", whole);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

Progress::Progress(std::int64_t epochs, std::int64_t steps, Style style)
    : epochs_(epochs),
      steps_(steps),
      quiet_(style == Style::quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      color_(wants_color()),
      start_(Clock::now()) {}

bool Progress::due() const { return !quiet_ && terminal_ && Clock::now() - drawn_ >= kBetweenDrawings; }

void Progress::step(std::int64_t epoch, std::int64_t step, const std::string& note) {
  const auto now = Clock::now();
  drawn_ = now;
  const auto done = static_cast<double>((epoch - 1) * steps_ + step);
  const double passed = std::chrono::duration<double>(now - start_).count();
  const double left = passed * (static_cast<double>(epochs_ * steps_) - done) / done;
  const auto filled = static_cast<std::size_t>(kBarWidth * step / steps_);
  const std::string bar = std::string(filled, '=') + std::string(kBarWidth - filled, '-');
  fmt::print(stderr, "{}epoch {}/{} {}[{}]{} {}  ETA {}", kClearLine, epoch, epochs_, color_ ? "\033[32m" : "", bar,
             color_ ? "\033[0m" : "", note, duration_text(left));
  std::fflush(stderr);
}

void Progress::epoch(std::int64_t epoch, const std::string& note) {
  if (quiet_) return;
  fmt::print(stderr, "{}epoch {}/{}  {}\n", terminal_ ? kClearLine : "", epoch, epochs_, note);
}

}  // namespace dagrad::tools
