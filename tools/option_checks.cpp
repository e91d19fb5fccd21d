#include "tools/option_checks.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dagrad/core/error.h"
#include "tools/suggest.h"

namespace dagrad::tools {
namespace {

bool is_one_of(const std::string& value, const std::vector<std::string>& values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

void check_choice(const char* option, const std::string& value, const std::vector<std::string>& choices) {
  if (is_one_of(value, choices)) return;
  throw UsageError(
      fmt::format("--{}: '{}' (want {}){}", option, value, fmt::join(choices, ", "), suggestion(value, choices)));
}

void check_range(const char* option, double value, bool holds, const char* want) {
  if (!holds) throw UsageError(fmt::format("--{}: {} (want {})", option, value, want));
}

void check_between(const char* option, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value < least || value > most)
    throw UsageError(fmt::format("--{}: {} (want {} to {})", option, value, least, most));
}

void check_at_least(const char* option, std::int64_t value, std::int64_t least) {
  if (value < least) throw UsageError(fmt::format("--{}: {} (want at least {})", option, value, least));
}

void check_threads(int threads) {
  check_range("threads", threads, threads >= 0 && threads <= 1024, "1 to 1024, or 0 for one per core");
}

const Beside& Beside::only(const char* option, bool is_given, const std::vector<std::string>& values) const {
  if (!is_given || is_one_of(value_, values)) return *this;
  throw UsageError(
      fmt::format("--{}: not with --{} {} (want --{} {})", option, option_, value_, option_, fmt::join(values, ", ")));
}

}  // namespace dagrad::tools
