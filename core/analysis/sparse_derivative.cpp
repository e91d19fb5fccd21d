#include "dagrad/core/analysis/sparse_derivative.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/analysis/linearization.h"
#include "dagrad/core/error.h"

namespace dagrad {
namespace {

std::size_t fullest_row(const Sparsity& pattern) {
  std::size_t most = 0;
  for (std::int64_t i = 0; i < pattern.rows(); ++i) most = std::max(most, pattern.row(i).size());
  return most;
}

/// The indicator of a colour: the sum of the unit vectors of what has it.
std::vector<double> seed_of(const Coloring& coloring, std::size_t color) {
  std::vector<double> seed(coloring.color.size());
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = coloring.color[i] == color ? 1 : 0;
  return seed;
}

void check_size(const char* caller, const Sparsity& pattern, std::int64_t rows, std::int64_t columns) {
  if (pattern.rows() != rows || pattern.columns() != columns) {
    throw ShapeError(fmt::format("{}: the pattern is {} x {} (want {} x {}, the elements of f(x) and of x)", caller,
                                 pattern.rows(), pattern.columns(), rows, columns));
  }
}

/// A matrix with the values that `value(i, j)` gives for its entries.
template <class F>
SparseMatrix fill(const Sparsity& pattern, DType dtype, const F& value) {
  SparseMatrix result{pattern, Tensor::allocate({{pattern.entries()}, dtype})};
  visit_dtype(dtype, [&]<class T>(T) {
    T* to = result.values.mutable_data<T>();
    for (std::int64_t i = 0; i < pattern.rows(); ++i) {
      for (const std::int64_t j : pattern.row(i)) *to++ = convert_to<T>(value(i, j));
    }
  });
  return result;
}

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

JacobianPlan::JacobianPlan(Sparsity pattern, Compression by)
    : pattern_(std::move(pattern)), by_column_(pattern_.transposed()), by_(by) {
  if (by_ == Compression::cheapest)
    by_ = fullest_row(by_column_) <= fullest_row(pattern_) ? Compression::rows : Compression::columns;
  coloring_ = color_rows(by_ == Compression::rows ? pattern_ : by_column_);
}

SparseMatrix JacobianPlan::operator()(const TensorFunction& f, const Tensor& x) const {
  Linearization at_x("JacobianPlan", f, x);
  check_size("JacobianPlan", pattern_, at_x.outputs(), at_x.inputs());
  std::vector<std::vector<double>> products;
  for (std::size_t color = 0; color < coloring_.colors; ++color) {
    const std::vector<double> seed = seed_of(coloring_, color);
    products.push_back(by_ == Compression::rows ? at_x.pull_back(seed) : at_x.push_forward(seed));
  }
  return fill(pattern_, x.dtype(), [&](std::int64_t i, std::int64_t j) {
    return by_ == Compression::rows ? products[coloring_.color[at(i)]][at(j)] : products[coloring_.color[at(j)]][at(i)];
  });
}

HessianPlan::HessianPlan(Sparsity pattern) : pattern_(std::move(pattern)), coloring_(color_symmetric(pattern_)) {}

SparseMatrix HessianPlan::operator()(const TensorFunction& f, const Tensor& x) const {
  Linearization at_x("HessianPlan", f, x);
  if (at_x.outputs() != 1)
    throw ShapeError(fmt::format("HessianPlan: f(x) has {} elements (want one)", at_x.outputs()));
  check_size("HessianPlan", pattern_, at_x.inputs(), at_x.inputs());
  std::vector<std::vector<double>> products;
  for (std::size_t color = 0; color < coloring_.colors; ++color)
    products.push_back(at_x.curve(seed_of(coloring_, color)));
  // Entry (i, j) stands alone in row i of the product with j's colour, or else in row j of that with i's.
  const auto alone = [&](std::int64_t i, std::int64_t j) {
    const auto row = pattern_.row(i);
    return std::none_of(row.begin(), row.end(),
                        [&](std::int64_t k) { return k != j && coloring_.color[at(k)] == coloring_.color[at(j)]; });
  };
  return fill(pattern_, x.dtype(), [&](std::int64_t i, std::int64_t j) {
    return alone(i, j) ? products[coloring_.color[at(j)]][at(i)] : products[coloring_.color[at(i)]][at(j)];
  });
}

}  // namespace dagrad
