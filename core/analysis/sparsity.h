// Sparsity patterns, and the colourings that compress matrices of a pattern.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// Where a matrix may be other than zero: by rows, as CSR.
class Sparsity {
 public:
  Sparsity() = default;
  /// From the columns of each row, in any order. Throws UsageError when one is outside of [0, columns) or repeated.
  Sparsity(std::int64_t columns, std::vector<std::vector<std::int64_t>> rows);
  /// Where the 2-d tensor `t` is not zero. Throws ShapeError.
  static Sparsity of(const Tensor& t);
  /// The entries (i, j) with -below <= j - i <= above.
  static Sparsity banded(std::int64_t rows, std::int64_t columns, std::int64_t below, std::int64_t above);

  std::int64_t rows() const { return static_cast<std::int64_t>(begin_.size()) - 1; }
  std::int64_t columns() const { return columns_; }
  std::int64_t entries() const { return static_cast<std::int64_t>(column_.size()); }
  /// The columns of row `i`, ascending, and the number of its first entry.
  std::span<const std::int64_t> row(std::int64_t i) const;
  std::int64_t first_entry(std::int64_t i) const { return begin_[static_cast<std::size_t>(i)]; }
  bool contains(std::int64_t i, std::int64_t j) const;

  Sparsity transposed() const;
  /// The entries of either; for matrices of one size.
  Sparsity operator|(const Sparsity& other) const;
  bool operator==(const Sparsity&) const = default;

 private:
  std::int64_t columns_ = 0;
  std::vector<std::int64_t> begin_{0};  // by row, and the end
  std::vector<std::int64_t> column_;
};

/// A colour, from 0, for each row (or column, or vertex).
struct Coloring {
  std::vector<std::size_t> color;
  std::size_t colors = 0;
};

/// Colours rows so that no two of one colour have an entry in the same column: Boost.Graph's sequential colouring of
/// the rows' intersection graph, in smallest-last order.
Coloring color_rows(const Sparsity& pattern);

/// Colours the vertices of a symmetric pattern so that neighbours differ and no path of four vertices has two colours
/// only (a star colouring; Gebremedhin, Tarafdar, Manne and Pothen, SIAM J. Sci. Comput. 29, 2007). Then each entry of
/// a symmetric matrix stands alone in one of its products with the colours. Throws UsageError unless it is symmetric.
Coloring color_symmetric(const Sparsity& pattern);

/// A matrix of a given pattern.
struct SparseMatrix {
  Sparsity pattern;
  Tensor values;  ///< one for each entry, in the order of the pattern

  /// [rows, columns]
  Tensor to_dense() const;
};

}  // namespace dagrad
