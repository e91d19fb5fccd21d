// Timing something short.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dagrad::tools {

/// Seconds per call, of many calls.
struct Timing {
  std::vector<double> seconds;  ///< sorted; each is the mean of `batch` calls
  std::int64_t batch = 1;

  double percentile(double share) const;
  double median() const { return percentile(0.5); }
};

/// Calls `work` for about `seconds` in all, after a warm-up; in batches where one call is too short for the clock.
Timing time_calls(const std::function<void()>& work, double seconds);

/// `12.3 us`, with three digits and the unit that fits.
std::string time_text(double seconds);
/// `1.23 G`, with the prefix that fits.
std::string rate_text(double per_second);

}  // namespace dagrad::tools
