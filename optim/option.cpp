#include "dagrad/optim/option.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/error.h"

namespace dagrad::optim {

const Range kRate{[](double x) { return x >= 0 && std::isfinite(x); }, "a finite number >= 0"};
const Range kNonNegative{[](double x) { return x >= 0; }, "a number >= 0"};
const Range kPositive{[](double x) { return x > 0 && std::isfinite(x); }, "a finite number > 0"};
const Range kBeta{[](double x) { return x >= 0 && x < 1; }, "0 <= beta < 1"};
const Range kFraction{[](double x) { return x >= 0 && x <= 1; }, "a number from 0 to 1"};
const Range kPositiveCount{[](double x) { return x >= 1; }, "at least 1"};
const Range kAny{[](double) { return true; }, "a number"};

bool Range::holds(double value) const {
  if (std::isnan(value) && or_none) return true;
  return within(value) && (!whole || (std::floor(value) == value && std::abs(value) <= 0x1p63));
}

void OptionVisitor::require(bool, std::string_view) {}

void OptionVisitor::flag(std::string_view name, bool& value) {
  double shown = value ? 1 : 0;
  number(name, shown, {[](double x) { return x == 0 || x == 1; }, "0 or 1"});
  value = shown != 0;
}

void OptionVisitor::count(std::string_view name, std::int64_t& value, const Range& range) {
  const auto before = static_cast<double>(value);
  double shown = before;
  Range whole = range;
  whole.whole = true;
  number(name, shown, whole);
  if (shown == before) return;  // which a double may hold only nearly
  value = shown < 0x1p63 ? static_cast<std::int64_t>(shown) : std::numeric_limits<std::int64_t>::max();
}

void OptionVisitor::optional(std::string_view name, std::optional<double>& value, const Range& range) {
  double shown = value.value_or(std::numeric_limits<double>::quiet_NaN());
  Range or_none = range;
  or_none.or_none = true;
  number(name, shown, or_none);
  value = std::isnan(shown) ? std::nullopt : std::optional(shown);
}

void OptionCheck::number(std::string_view name, double& value, const Range& range) {
  if (range.holds(value)) return;
  const char* const whole = range.whole && range.within(value) ? "a whole number, " : "";
  throw UsageError(fmt::format("{}: {} is {} (want {}{})", owner_, name, value, whole, range.want));
}

void OptionCheck::require(bool holds, std::string_view wrong) {
  if (!holds) throw UsageError(fmt::format("{}: {}", owner_, wrong));
}

}  // namespace dagrad::optim
