// One loop over the elements of several tensors of one shape, whatever their strides. Internal.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "dagrad/core/parallel.h"
#include "dagrad/core/shape.h"

namespace dagrad {

/// The iteration space of N operands, walked in the order in which the first one's elements lie in memory: dimensions
/// of size 1 are dropped and neighbours that lie in one line merged, so that tensors that are dense in one order become
/// a single row.
template <std::size_t N>
struct StridedLoop {
  int rank = 0;
  std::array<std::int64_t, kMaxRank> sizes{};                   // innermost first
  std::array<std::array<std::int64_t, kMaxRank>, N> strides{};  // likewise, in elements

  StridedLoop(const Shape& shape, const std::array<const Strides*, N>& operands) {
    std::array<std::uint8_t, kMaxRank> order;  // innermost first
    const int axes = sorted_axes(shape, *operands[0], order);
    for (int k = 0; k < axes; ++k) {
      const int axis = order[static_cast<std::size_t>(k)];
      if (rank > 0 && merges(shape, operands, axis)) {
        sizes[top()] *= shape[axis];
        continue;
      }
      sizes[static_cast<std::size_t>(rank)] = shape[axis];
      for (std::size_t i = 0; i < N; ++i) strides[i][static_cast<std::size_t>(rank)] = (*operands[i])[axis];
      ++rank;
    }
    if (rank == 0) {
      rank = 1;
      sizes[0] = 1;
    }
  }

  std::int64_t row_length() const { return sizes[0]; }
  std::int64_t row_stride(std::size_t operand) const { return strides[operand][0]; }
  std::int64_t row_count() const {
    std::int64_t count = 1;
    for (int d = 1; d < rank; ++d) count *= sizes[static_cast<std::size_t>(d)];
    return count;
  }

  /// Calls `row(offsets)` with each operand's element offset for the rows `first` to `last - 1`, in order.
  template <class F>
  void for_rows(std::int64_t first, std::int64_t last, F&& row) const {
    std::array<std::int64_t, kMaxRank> index{};
    std::array<std::int64_t, N> offsets{};
    std::int64_t rest = first;
    for (std::size_t d = 1; d < static_cast<std::size_t>(rank) && rest > 0; ++d) {
      index[d] = rest % sizes[d];
      rest /= sizes[d];
      for (std::size_t i = 0; i < N; ++i) offsets[i] += index[d] * strides[i][d];
    }
    for (std::int64_t r = first; r < last; ++r) {
      row(static_cast<const std::array<std::int64_t, N>&>(offsets));
      for (std::size_t d = 1; d < static_cast<std::size_t>(rank); ++d) {
        for (std::size_t i = 0; i < N; ++i) offsets[i] += strides[i][d];
        if (++index[d] < sizes[d]) break;
        for (std::size_t i = 0; i < N; ++i) offsets[i] -= strides[i][d] * sizes[d];
        index[d] = 0;
      }
    }
  }

  template <class F>
  void for_rows(F&& row) const {
    if (row_length() > 0) for_rows(0, row_count(), static_cast<F&&>(row));
  }

 private:
  /// The axes longer than 1, by the first operand's strides; those of equal strides stay in their order.
  static int sorted_axes(const Shape& shape, const Strides& strides, std::array<std::uint8_t, kMaxRank>& order) {
    int count = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (shape[axis] == 1) continue;
      int at = count++;
      for (; at > 0 && strides[axis] < strides[order[static_cast<std::size_t>(at - 1)]]; --at)
        order[static_cast<std::size_t>(at)] = order[static_cast<std::size_t>(at - 1)];
      order[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(axis);
    }
    return count;
  }

  std::size_t top() const { return static_cast<std::size_t>(rank - 1); }
  bool merges(const Shape& shape, const std::array<const Strides*, N>& operands, int axis) const {
    for (std::size_t i = 0; i < N; ++i) {
      if ((*operands[i])[axis] != strides[i][top()] * sizes[top()]) return false;
    }
    return shape[axis] > 0;
  }
};

/// Calls `row(offsets, count)` for pieces of the iteration space that make up the whole, over several threads when it
/// has more than `grain` elements.
template <std::size_t N, class Row>
void for_all_rows(const StridedLoop<N>& loop, std::int64_t grain, const Row& row) {
  const std::int64_t length = loop.row_length(), rows = loop.row_count();
  if (length * rows <= grain) {
    loop.for_rows([&](const auto& offsets) { row(offsets, length); });
  } else if (rows == 1) {
    parallel_for(length, grain, [&](std::int64_t begin, std::int64_t end) {
      std::array<std::int64_t, N> offsets;
      for (std::size_t i = 0; i < N; ++i) offsets[i] = begin * loop.row_stride(i);
      row(offsets, end - begin);
    });
  } else {
    parallel_for(rows, std::max<std::int64_t>(1, grain / length), [&](std::int64_t begin, std::int64_t end) {
      loop.for_rows(begin, end, [&](const auto& offsets) { row(offsets, length); });
    });
  }
}

}  // namespace dagrad
