#include "tools/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dagrad::tools {
namespace {

constexpr std::size_t kBarWidth = 24, kLeastBarWidth = 6, kUnknownWidth = 120;
constexpr auto kBetweenDrawings = std::chrono::milliseconds(100);
constexpr const char* kClearLine = "\r\033[K";

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  return no_color == nullptr || *no_color == '\0';
}

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUnknownWidth;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string bar_text(const std::string& place, double share, const std::string& note, const std::string& eta,
                     std::size_t width, bool color) {
  const std::string end = "  ETA " + eta;
  const std::size_t fixed = place.size() + 1 + end.size() + 1;  // the last column stays free: terminals wrap there
  const std::size_t left = width > fixed ? width - fixed : 0;
  const std::size_t spare = left > note.size() + 3 ? left - note.size() - 3 : 0;
  const std::size_t bar = spare >= kLeastBarWidth ? std::min(spare, kBarWidth) : 0;
  if (bar == 0) return fmt::format("{} {}{}", place, note.substr(0, left), end);
  const auto filled = static_cast<std::size_t>(static_cast<double>(bar) * std::clamp(share, 0.0, 1.0));
  return fmt::format("{} {}[{}{}]{} {}{}", place, color ? "\033[32m" : "", std::string(filled, '='),
                     std::string(bar - filled, '-'), color ? "\033[0m" : "", note, end);
}

Progress::Progress(std::int64_t runs, std::int64_t epochs, Style style)
    : runs_(runs),
      epochs_(epochs),
      quiet_(style == Style::quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      color_(wants_color()),
      start_(Clock::now()) {}

void Progress::begin_run(const std::string& name) {
  ++run_;
  name_ = name;
}

bool Progress::due() const { return !quiet_ && terminal_ && Clock::now() - drawn_ >= kBetweenDrawings; }

std::string Progress::place(std::int64_t epoch) const {
  return fmt::format("{}{}epoch {}/{}", name_, name_.empty() ? "" : ", ", epoch, epochs_);
}

void Progress::step(std::int64_t epoch, std::int64_t step, std::int64_t steps, const std::string& note) {
  const auto now = Clock::now();
  drawn_ = now;
  const double share = static_cast<double>(step) / static_cast<double>(steps);
  const double done = static_cast<double>(run_ * epochs_ + epoch - 1) + share;
  if (done_at_start_ < 0) done_at_start_ = done - 1 / static_cast<double>(steps);
  const double passed = std::chrono::duration<double>(now - start_).count();
  const double left = passed * (static_cast<double>(runs_ * epochs_) - done) / (done - done_at_start_);
  fmt::print(stderr, "{}{}", kClearLine,
             bar_text(place(epoch), share, note, duration_text(left), terminal_width(), color_));
  std::fflush(stderr);
  is_drawn_ = true;
}

void Progress::epoch(std::int64_t epoch, const std::string& note) {
  if (quiet_) return;
  clear();
  fmt::print(stderr, "{}  {}\n", place(epoch), note);
}

void Progress::clear() {
  if (is_drawn_) fmt::print(stderr, "{}", kClearLine);
  is_drawn_ = false;
}

StatusLine::StatusLine() : terminal_(isatty(STDERR_FILENO) != 0) {}
StatusLine::~StatusLine() { clear(); }

void StatusLine::show(const std::string& text) {
  if (!terminal_) return;
  fmt::print(stderr, "{}{}", kClearLine, text.substr(0, terminal_width() - 1));
  std::fflush(stderr);
  is_shown_ = true;
}

void StatusLine::clear() {
  if (is_shown_) fmt::print(stderr, "{}", kClearLine);
  is_shown_ = false;
}

}  // namespace dagrad::tools
