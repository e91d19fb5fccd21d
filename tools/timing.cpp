#include "tools/timing.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <string>

namespace dagrad::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kShortest = 20e-6;  // of a batch: a thousand times what reading the clock takes

double seconds_of(const std::function<void()>& work, std::int64_t calls) {
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < calls; ++i) work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// `value` with three digits.
std::string three_digits(double value) {
  return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

}  // namespace

double Timing::percentile(double share) const {
  const double at = share * static_cast<double>(seconds.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, seconds.size() - 1);
  return seconds[below] + (at - static_cast<double>(below)) * (seconds[above] - seconds[below]);
}

Timing time_calls(const std::function<void()>& work, double seconds) {
  seconds_of(work, 3);
  Timing result;
  double batch_seconds = seconds_of(work, 1);
  while (batch_seconds < kShortest) {
    result.batch *= 2;
    batch_seconds = seconds_of(work, result.batch);
  }
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  do {
    result.seconds.push_back(seconds_of(work, result.batch) / static_cast<double>(result.batch));
  } while (Clock::now() < end);
  std::sort(result.seconds.begin(), result.seconds.end());
  return result;
}

std::string time_text(double seconds) {
  if (seconds < 1e-6) return three_digits(seconds * 1e9) + " ns";
  if (seconds < 1e-3) return three_digits(seconds * 1e6) + " us";
  if (seconds < 1) return three_digits(seconds * 1e3) + " ms";
  return three_digits(seconds) + " s";
}

std::string rate_text(double per_second) {
  constexpr std::array prefixes{"", "K", "M", "G", "T"};
  std::size_t i = 0;
  for (; per_second >= 999.5 && i + 1 < prefixes.size(); ++i) per_second /= 1000;
  return three_digits(per_second) + " " + prefixes[i];
}

}  // namespace dagrad::tools
