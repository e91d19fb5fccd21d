// The axes that a reduction runs over, as users name them.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace dagrad {

/// Axes from 0, or from the end when negative; none named means all. A number stands for a list of it alone:
/// `sum(x, 1)` is `sum(x, {1})`. (A bool does not: `sum(x, true)` is no way to say keepdim.)
class Axes : public std::vector<std::int64_t> {
 public:
  Axes() = default;
  Axes(std::initializer_list<std::int64_t> axes) : vector(axes) {}
  // NOLINTBEGIN(google-explicit-constructor): numbers and lists read as axes
  Axes(std::vector<std::int64_t> axes) : vector(std::move(axes)) {}
  template <std::integral Axis>
  requires(!std::same_as<Axis, bool>) Axes(Axis axis) : vector(1, static_cast<std::int64_t>(axis)) {}
  // NOLINTEND(google-explicit-constructor)
};

}  // namespace dagrad
