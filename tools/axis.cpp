#include "tools/axis.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <limits>

namespace dagrad::tools {
namespace {

/// A step of 1, 2 or 5 times a power of ten that divides `range` into about `count` parts.
double round_step(double range, int count) {
  const double raw = range / count, power = std::pow(10, std::floor(std::log10(raw)));
  const double part = raw / power;
  return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

constexpr int kMarks = 5;
constexpr double kFewPowers = 1.5;  // of ten: fewer than this need marks between them

/// The distance of marks; at least 1 where all that is shown are whole numbers, like epochs.
double step_of(double range, bool is_whole) {
  const double step = round_step(range, kMarks);
  return is_whole ? std::max(1.0, step) : step;
}

/// The nearest logarithm of 1, 2 or 5 times a power of ten that is not `beyond` the value.
template <class Beyond>
double round_power(double value, Beyond beyond) {
  double best = 0;
  bool found = false;
  for (double power = std::floor(value) - 1; power <= value + 1; ++power) {
    for (const double part : {1.0, 2.0, 5.0}) {
      const double candidate = power + std::log10(part);
      if (std::abs(candidate - value) > 1e-9 && beyond(candidate, value)) continue;
      if (!found || std::abs(candidate - value) < std::abs(best - value)) best = candidate;
      found = true;
    }
  }
  return best;
}

}  // namespace

Axis::Axis(const std::vector<double>& values, bool logarithmic, double from, double to)
    : from_(from), to_(to), logarithmic_(logarithmic), is_whole_(true) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!shows(value)) continue;
    is_whole_ = is_whole_ && value == std::round(value);
    low = std::min(low, scaled(value));
    high = std::max(high, scaled(value));
  }
  if (low > high) {
    low = high = 0;
    is_whole_ = false;
  }
  if (high - low < 1e-12 * std::max(1.0, std::abs(high))) {
    const double margin = logarithmic ? 1 : low == 0 ? 0.5 : 0.5 * std::abs(low);
    low -= margin;
    high += margin;
  }
  if (logarithmic && high - low > kFewPowers) {
    low = std::floor(low + 1e-9);
    high = std::ceil(high - 1e-9);
  } else if (logarithmic) {
    low = round_power(low, std::greater<>());
    high = round_power(high, std::less<>());
  } else {
    const double step = step_of(high - low, is_whole_);
    low = std::floor(low / step + 1e-9) * step;
    high = std::ceil(high / step - 1e-9) * step;
  }
  low_ = low;
  high_ = high;
}

Axis Axis::exactly(double low, double high, double from, double to) {
  Axis axis;
  axis.low_ = low;
  axis.high_ = high;
  axis.from_ = from;
  axis.to_ = to;
  return axis;
}

bool Axis::shows(double value) const { return std::isfinite(value) && (!logarithmic_ || value > 0); }
double Axis::scaled(double value) const { return logarithmic_ ? std::log10(value) : value; }
double Axis::position(double value) const { return from_ + (to_ - from_) * (scaled(value) - low_) / (high_ - low_); }

std::vector<Axis::Mark> Axis::marks() const {
  std::vector<Mark> result;
  const auto add = [&](double at, std::string text) {
    result.push_back({from_ + (to_ - from_) * (at - low_) / (high_ - low_), std::move(text)});
  };
  if (logarithmic_ && high_ - low_ <= kFewPowers + 1) {
    for (double power = std::floor(low_); power <= high_ + 1e-9; ++power) {
      for (const double part : {1.0, 2.0, 5.0}) {
        const double at = power + std::log10(part);
        if (at >= low_ - 1e-9 && at <= high_ + 1e-9) add(at, fmt::format("{:.4g}", std::pow(10, at)));
      }
    }
    return result;
  }
  if (logarithmic_) {
    const double every = std::max(1.0, std::ceil((high_ - low_) / 6));
    for (double power = std::ceil(low_); power <= high_ + 1e-9; power += every)
      add(power, std::abs(power) <= 3 ? fmt::format("{:g}", std::pow(10, power)) : fmt::format("1e{:.0f}", power));
    return result;
  }
  const double step = step_of(high_ - low_, is_whole_);
  for (double at = std::ceil(low_ / step - 1e-9) * step; at <= high_ + 1e-9 * step; at += step) {
    const double clean = std::abs(at) < 1e-9 * step ? 0 : at;
    add(at, fmt::format("{:.4g}", clean));
  }
  return result;
}

}  // namespace dagrad::tools
