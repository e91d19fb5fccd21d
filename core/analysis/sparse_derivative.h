// Jacobians and Hessians whose pattern is known: as many products as colours.
//
//   const Sparsity pattern = detect_jacobian_sparsity(f, x).pattern;   // or Sparsity::banded(n, n, 1, 1)
//   const JacobianPlan plan(pattern);                                  // colours once
//   const SparseMatrix jacobian = plan(f, x);                          // plan.products() products, whatever n is
#pragma once

#include <cstdint>

#include "dagrad/core/analysis/sparsity.h"
#include "dagrad/core/tensor_function.h"

namespace dagrad {

/// Which products a Jacobian is put together from.
enum class Compression {
  rows,      ///< vector-Jacobian products, one backward each
  columns,   ///< Jacobian-vector products, one backward of the recorded backward each; f must be twice differentiable
  cheapest,  ///< whichever has the smaller lower bound: the fullest column against the fullest row
};

/// How to compute the Jacobian [outputs, inputs] of a function from one tensor to one tensor, whose elements are
/// numbered in row-major order. Rows (or columns) that have no column (row) in common share a product. Entries outside
/// of the pattern are taken for zero; where they are not, they spoil others. Usable for any number of points.
class JacobianPlan {
 public:
  explicit JacobianPlan(Sparsity pattern, Compression by = Compression::cheapest);

  /// How many products an evaluation costs, on top of one forward.
  std::size_t products() const { return coloring_.colors; }
  Compression compression() const { return by_; }
  const Coloring& coloring() const { return coloring_; }

  /// The Jacobian at `x`. Throws ShapeError when the pattern does not fit f and x, UsageError unless f gives one
  /// tensor.
  SparseMatrix operator()(const TensorFunction& f, const Tensor& x) const;

 private:
  Sparsity pattern_, by_column_;
  Compression by_;
  Coloring coloring_;
};

/// How to compute the Hessian of a function from one tensor to one number, from a symmetric pattern; a product is one
/// backward of the recorded backward. Symmetry is used: an arrow-shaped Hessian takes 2 products, a tridiagonal one 3.
class HessianPlan {
 public:
  /// Throws UsageError unless the pattern is symmetric.
  explicit HessianPlan(Sparsity pattern);

  std::size_t products() const { return coloring_.colors; }
  const Coloring& coloring() const { return coloring_; }

  /// The Hessian at `x`. Throws ShapeError when the pattern does not fit x or f(x) has more than one element.
  SparseMatrix operator()(const TensorFunction& f, const Tensor& x) const;

 private:
  Sparsity pattern_;
  Coloring coloring_;
};

struct DetectionOptions {
  /// A derivative that is zero at one point by chance (a dead ReLU) is not at another: the pattern is the union over x
  /// and `points` - 1 points near it, each element moved by up to `spread` (1 + |element|), the same ones for a seed.
  int points = 3;
  double spread = 0.5;
  std::uint64_t seed = 0;
};

/// A pattern that was found by probing, and what that cost.
struct Detection {
  Sparsity pattern;
  std::size_t products = 0;  ///< for each point
};

/// Finds the pattern of the Jacobian of f by products with random vectors: of all rows, of each half, of each quarter
/// and so on, where parts whose columns are known to differ share a product. Costs some multiple of log2(rows) products
/// for a banded Jacobian and up to twice the rows for a full one; so detect once, and evaluate many times. What is zero
/// at every point probed is taken for zero: a branch that no point takes is not seen.
Detection detect_jacobian_sparsity(const TensorFunction& f, const Tensor& x, const DetectionOptions& options = {});
/// The same for the Hessian of a function to one number.
Detection detect_hessian_sparsity(const TensorFunction& f, const Tensor& x, const DetectionOptions& options = {});

}  // namespace dagrad
