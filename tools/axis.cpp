#include "tools/axis.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
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

}  // namespace

Axis::Axis(const std::vector<double>& values, bool logarithmic, double from, double to)
    : from_(from), to_(to), logarithmic_(logarithmic) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!shows(value)) continue;
    low = std::min(low, scaled(value));
    high = std::max(high, scaled(value));
  }
  if (low > high) low = high = 0;
  if (high - low < 1e-12 * std::max(1.0, std::abs(high))) {
    const double margin = logarithmic ? 1 : low == 0 ? 0.5 : 0.5 * std::abs(low);
    low -= margin;
    high += margin;
  }
  if (logarithmic) {
    low = std::floor(low + 1e-9);
    high = std::ceil(high - 1e-9);
  } else {
    const double step = round_step(high - low, kMarks);
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
  if (logarithmic_ && high_ - low_ >= 1) {
    const double every = std::max(1.0, std::ceil((high_ - low_) / 6));
    for (double power = std::ceil(low_); power <= high_ + 1e-9; power += every)
      add(power, std::abs(power) <= 3 ? fmt::format("{:g}", std::pow(10, power)) : fmt::format("1e{:.0f}", power));
    return result;
  }
  const double step = round_step(high_ - low_, kMarks);
  for (double at = std::ceil(low_ / step - 1e-9) * step; at <= high_ + 1e-9 * step; at += step) {
    const double clean = std::abs(at) < 1e-9 * step ? 0 : at;
    add(at, fmt::format("{:.4g}", logarithmic_ ? std::pow(10, clean) : clean));
  }
  return result;
}

}  // namespace dagrad::tools
