// Timing one thing after another.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace dagrad::compare {

using Clock = std::chrono::steady_clock;

template <class F>
double seconds_per_call(const F& work, std::int64_t calls) {
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < calls; ++i) work();
  return std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(calls);
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The seconds per call in `rounds` rounds of `round_seconds` each, after a warm-up.
template <class F>
std::vector<double> time_rounds(const F& work, int rounds, double round_seconds) {
  seconds_per_call(work, 3);
  const double once = std::max(1e-8, seconds_per_call(work, 1));
  const auto calls = std::clamp<std::int64_t>(static_cast<std::int64_t>(round_seconds / once), 1, 100'000);
  std::vector<double> seconds;
  for (int i = 0; i < rounds; ++i) seconds.push_back(seconds_per_call(work, calls));
  return seconds;
}

}  // namespace dagrad::compare
