#include "dagrad/ops/interpolation_taps.h"

#include <algorithm>
#include <cmath>

namespace dagrad::interpolation {
namespace {

/// floor(p in / out), or floor((p + 1/2) in / out), of whole numbers: rounding in between would miss by one where the
/// quotient is whole.
std::int64_t nearest(const Axis& axis, std::int64_t p) {
  const bool centre = axis.rule == Rule::nearest_exact;
  const std::int64_t at =
      axis.factor == 0
          ? (2 * p + (centre ? 1 : 0)) * axis.in / (2 * axis.out)
          : static_cast<std::int64_t>(std::floor((static_cast<double>(p) + (centre ? 0.5 : 0)) / axis.factor));
  return std::min(at, axis.in - 1);
}

/// Where between the elements of the source element `p` lies.
double between(const Axis& axis, std::int64_t p) {
  const auto at = static_cast<double>(p), in = static_cast<double>(axis.in), out = static_cast<double>(axis.out);
  if (axis.rule == Rule::aligned) return axis.out > 1 ? at * (in - 1) / (out - 1) : 0;
  const double centre = axis.factor == 0 ? (at + 0.5) * in / out : (at + 0.5) / axis.factor;
  return std::max(0.0, centre - 0.5);
}

}  // namespace

Taps::Taps(const Axis& axis)
    : sources_(axis.in), picks_(axis.rule == Rule::nearest || axis.rule == Rule::nearest_exact), begins_{0} {
  for (std::int64_t p = 0; p < axis.out; ++p) {
    if (picks_) {
      taps_.push_back({nearest(axis, p), 1});
    } else {
      const double at = between(axis, p);
      const std::int64_t low = std::min(static_cast<std::int64_t>(at), axis.in - 1);
      const double high = low + 1 < axis.in ? at - static_cast<double>(low) : 0;
      taps_.push_back({low, 1 - high});
      if (high > 0) taps_.push_back({low + 1, high});
    }
    begins_.push_back(static_cast<std::int64_t>(taps_.size()));
  }
}

Taps Taps::transposed() const {
  Taps result;
  result.sources_ = results();
  result.begins_.assign(static_cast<std::size_t>(sources_) + 1, 0);
  for (const Tap& tap : taps_) ++result.begins_[static_cast<std::size_t>(tap.source) + 1];
  for (std::size_t i = 1; i < result.begins_.size(); ++i) result.begins_[i] += result.begins_[i - 1];
  std::vector<std::int64_t> next = result.begins_;
  result.taps_.resize(taps_.size());
  for (std::int64_t p = 0; p < results(); ++p) {
    for (const Tap& tap : of(p))
      result.taps_[static_cast<std::size_t>(next[static_cast<std::size_t>(tap.source)]++)] = {p, tap.weight};
  }
  return result;
}

}  // namespace dagrad::interpolation
