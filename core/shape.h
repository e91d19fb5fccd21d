// Shapes and strides: short lists of 64-bit numbers, stored inline.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dagrad {

/// The largest number of dimensions of a tensor.
inline constexpr int kMaxRank = 8;

/// A list of at most kMaxRank sizes or strides, one per dimension, outermost first. A 0-dim shape is empty.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> values) : Shape(std::span(values.begin(), values.size())) {}
  Shape(std::span<const std::int64_t> values);
  Shape(const std::vector<std::int64_t>& values) : Shape(std::span(values)) {}

  /// `rank` entries of `value`.
  static Shape filled(int rank, std::int64_t value);

  int rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  std::size_t size() const { return static_cast<std::size_t>(rank_); }

  std::int64_t operator[](int i) const { return values_[static_cast<std::size_t>(i)]; }
  std::int64_t& operator[](int i) { return values_[static_cast<std::size_t>(i)]; }
  std::int64_t back() const { return (*this)[rank_ - 1]; }

  const std::int64_t* begin() const { return values_.data(); }
  const std::int64_t* end() const { return values_.data() + rank_; }
  std::int64_t* begin() { return values_.data(); }
  std::int64_t* end() { return values_.data() + rank_; }

  /// Throws ShapeError past kMaxRank.
  void push_back(std::int64_t value);
  void insert(int position, std::int64_t value);
  void erase(int position);

  bool operator==(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (int i = 0; i < rank_; ++i) {
      if ((*this)[i] != other[i]) return false;
    }
    return true;
  }

  /// `[64, 784]`; a 0-dim shape is `[]`.
  std::string str() const;

 private:
  std::array<std::int64_t, kMaxRank> values_;
  std::int32_t rank_ = 0;
};

using Strides = Shape;

/// The product of the sizes. Throws ShapeError when a size is negative or the product (times `item_size`) leaves 63
/// bits.
std::int64_t checked_numel(std::string_view op, const Shape& shape, std::size_t item_size = 1);

/// Row-major strides, in elements.
Strides contiguous_strides(const Shape& shape);

/// The strides of [N, C, spatial...] whose channels lie side by side in memory, as in [N, spatial..., C].
Strides channels_last_strides(const Shape& shape);

/// Whether elements lie in row-major order without gaps (strides of size-1 dimensions do not matter).
bool is_contiguous(const Shape& shape, const Strides& strides);

/// NumPy's broadcast of two shapes. Throws ShapeError naming `op` and both shapes where they do not fit.
Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);

/// Strides that make a tensor of `shape` and `strides` look like `target` (0 where it repeats). `shape` must broadcast.
Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& target);

/// An axis in [-rank, rank) as one in [0, rank). Throws ShapeError naming `op`. A 0-dim tensor takes 0 and -1.
int normalize_axis(std::string_view op, std::int64_t axis, int rank);

/// Axes as a sorted list without repeats; an empty list means all of them. Throws ShapeError on repeats and range.
std::vector<int> normalize_axes(std::string_view op, std::span<const std::int64_t> axes, int rank);

}  // namespace dagrad
