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

void OptionVisitor::require(bool, std::string_view) {}

void OptionVisitor::flag(std::string_view name, bool& value) {
  double shown = value ? 1 : 0;
  number(name, shown, kAny);
  value = shown != 0;
}

void OptionVisitor::count(std::string_view name, std::int64_t& value, const Range& range) {
  auto shown = static_cast<double>(value);
  number(name, shown, range);
  value = static_cast<std::int64_t>(shown);
}

void OptionVisitor::optional(std::string_view name, std::optional<double>& value, const Range& range) {
  double shown = value.value_or(std::numeric_limits<double>::quiet_NaN());
  number(name, shown, value.has_value() ? range : kAny);
  value = std::isnan(shown) ? std::nullopt : std::optional(shown);
}

void OptionCheck::number(std::string_view name, double& value, const Range& range) {
  if (!range.holds(value)) throw UsageError(fmt::format("{}: {} is {} (want {})", owner_, name, value, range.want));
}

void OptionCheck::require(bool holds, std::string_view wrong) {
  if (!holds) throw UsageError(fmt::format("{}: {}", owner_, wrong));
}

}  // namespace dagrad::optim
