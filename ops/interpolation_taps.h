// Which elements of an axis make those of another. Internal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dagrad::interpolation {

enum class Rule : std::uint8_t { nearest, nearest_exact, linear, aligned };

/// An axis of `in` elements that becomes one of `out`.
struct Axis {
  std::int64_t in = 1, out = 1;
  double factor = 0;  // what positions are divided by; 0: out / in, without rounding
  Rule rule = Rule::nearest;
};

/// An element of the source and its weight.
struct Tap {
  std::int64_t source;
  double weight;
};

/// For each element of the result, the elements of the source that it is the weighted sum of: a sparse matrix by rows.
class Taps {
 public:
  explicit Taps(const Axis& axis);
  /// Those of the adjoint, for each element of the source the elements of the result that it is part of.
  Taps transposed() const;

  std::int64_t sources() const { return sources_; }
  std::int64_t results() const { return static_cast<std::int64_t>(begins_.size()) - 1; }
  /// Whether each result is just an element of the source.
  bool picks() const { return picks_; }
  std::span<const Tap> of(std::int64_t result) const {
    if (picks_) return {taps_.data() + result, 1};
    const auto begin = static_cast<std::size_t>(begins_[static_cast<std::size_t>(result)]);
    const auto end = static_cast<std::size_t>(begins_[static_cast<std::size_t>(result) + 1]);
    return {taps_.data() + begin, end - begin};
  }

 private:
  Taps() = default;
  std::int64_t sources_ = 0;
  bool picks_ = false;
  std::vector<std::int64_t> begins_;
  std::vector<Tap> taps_;
};

}  // namespace dagrad::interpolation
