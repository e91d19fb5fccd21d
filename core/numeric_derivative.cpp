#include "dagrad/core/numeric_derivative.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dagrad {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

const NumericDerivative DifferenceTable::kNothing{kNaN, kInfinity, kInfinity};

void DifferenceTable::add(double left, double right, double below, double here, double above, double noise) {
  Level level;
  level.step = (left + right) / 2;
  level.slope[0] = (above - below) / (left + right);
  level.bend[0] = ((above - here) / right - (here - below) / left) / level.step;
  level.rounding[0] = noise / level.step;
  if (!std::isfinite(level.slope[0]) || !std::isfinite(level.bend[0])) return;

  const int order = std::min(kOrder, static_cast<int>(levels_.size()));
  for (int m = 1; m <= order; ++m) {
    const auto i = static_cast<std::size_t>(m);
    const Level& before = levels_.back();
    const double ratio = levels_[levels_.size() - i].step / level.step;
    const double weight = 1 / (ratio * ratio - 1);
    const auto extrapolate = [&](const Row& now, const Row& then) {
      return now[i - 1] + weight * (now[i - 1] - then[i - 1]);
    };
    level.slope[i] = extrapolate(level.slope, before.slope);
    level.bend[i] = extrapolate(level.bend, before.bend);
    level.rounding[i] = level.rounding[i - 1] + weight * (level.rounding[i - 1] + before.rounding[i - 1]);
    // From the second order on three steps have to agree.
    if (m >= 2) consider(level, before, m);
  }
  levels_.push_back(level);
}

void DifferenceTable::consider(const Level& level, const Level& before, int order) {
  const auto i = static_cast<std::size_t>(order);
  const auto change = [&](const Row& now, const Row& then) {
    return std::max(std::abs(now[i] - now[i - 1]), std::abs(now[i] - then[i - 1]));
  };
  // Where the slope jumps by J, the bend grows as J / h: times h it stays at J times a factor above 1/2.
  const double truncation = std::max(change(level.slope, before.slope), level.step * change(level.bend, before.bend));
  const NumericDerivative found{level.slope[i], truncation + level.rounding[i], level.step};
  const bool exclusive = std::abs(found.value - best_.value) > found.error + best_.error;
  if (exclusive) rivals_.push_back(best_);
  if (exclusive || found.error < best_.error) best_ = found;
}

bool DifferenceTable::is_between_rivals(double value) const {
  if (rivals_.empty()) return false;
  double low = best_.value - 3 * best_.error, high = best_.value + 3 * best_.error;
  for (const NumericDerivative& rival : rivals_) {
    low = std::min(low, rival.value - 3 * rival.error);
    high = std::max(high, rival.value + 3 * rival.error);
  }
  const double margin = 0.1 * (high - low);
  return low - margin <= value && value <= high + margin;
}

bool DifferenceTable::may_improve() const { return levels_.empty() || levels_.back().rounding[0] < best_.error; }

double DifferenceTable::disagreement_below(double rounding) const {
  constexpr double kMuchSmaller = 1.0 / 16;
  double most = 0;
  for (std::size_t k = 1; k < levels_.size(); ++k) {
    const Level& level = levels_[k];
    if (level.step > kMuchSmaller * best_.step || level.rounding[1] > rounding) continue;
    most = std::max(most, std::abs(level.slope[1] - best_.value) - level.rounding[1]);
  }
  return most;
}

double noise_level(std::span<const double> values) {
  std::vector<double> differences(values.begin(), values.end());
  double most = 0, gamma = 1;  // gamma = (k!)^2 / (2k)!: a k-th difference of noise s has variance s^2 / gamma
  for (std::size_t k = 1; k <= 6 && k < values.size(); ++k) {
    for (std::size_t i = 0; i + 1 < differences.size(); ++i) differences[i] = differences[i + 1] - differences[i];
    differences.pop_back();
    gamma *= static_cast<double>(k) / static_cast<double>(4 * k - 2);
    if (k < 4) continue;
    double squares = 0;
    for (const double difference : differences) squares += difference * difference;
    const double level = std::sqrt(gamma * squares / static_cast<double>(differences.size()));
    if (!std::isfinite(level)) return kInfinity;
    most = std::max(most, level);
  }
  return most;
}

}  // namespace dagrad
