// Numbers for the spatial axes, as options of convolutions and pooling give them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace dagrad {

/// A number for each spatial axis; one number stands for all of them.
class PerAxis {
 public:
  constexpr PerAxis(std::int64_t all = 0) : values_{all, 0, 0}, count_(1) {}  // NOLINT: 3 reads as {3, 3}
  /// Throws UsageError for none or more than three.
  PerAxis(std::initializer_list<std::int64_t> values);

  /// How many were given.
  int count() const { return count_; }
  std::int64_t operator[](int axis) const { return values_[count_ == 1 ? 0 : static_cast<std::size_t>(axis)]; }

 private:
  std::array<std::int64_t, 3> values_{};
  int count_ = 0;
};

/// `given` for each of `axes` axes. Throws UsageError, which names `function` and the option `what`, when there are too
/// few or too many, or one is below `least` or has more than 31 bits.
std::array<std::int64_t, 3> values_of(const char* function, int axes, const char* what, const PerAxis& given,
                                      std::int64_t least);

}  // namespace dagrad
