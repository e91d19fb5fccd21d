#include "dagrad/core/analysis/sparsity.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/sequential_vertex_coloring.hpp>
#include <boost/graph/smallest_last_ordering.hpp>
#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"

namespace dagrad {
namespace {

using Conflicts = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;
using Vertex = std::size_t;

/// Rows that share a column, joined.
Conflicts conflicts_of_rows(const Sparsity& pattern) {
  const Sparsity by_column = pattern.transposed();
  Conflicts graph(static_cast<std::size_t>(pattern.rows()));
  std::vector<std::int64_t> joined(static_cast<std::size_t>(pattern.rows()), -1);
  for (std::int64_t i = 0; i < pattern.rows(); ++i) {
    for (const std::int64_t j : pattern.row(i)) {
      for (const std::int64_t other : by_column.row(j)) {
        if (other >= i || joined[static_cast<std::size_t>(other)] == i) continue;
        joined[static_cast<std::size_t>(other)] = i;
        boost::add_edge(static_cast<Vertex>(i), static_cast<Vertex>(other), graph);
      }
    }
  }
  return graph;
}

/// The vertices of a symmetric pattern, those with most neighbours first.
std::vector<std::int64_t> by_degree(const Sparsity& pattern) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(pattern.rows()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return pattern.row(a).size() > pattern.row(b).size(); });
  return order;
}

/// Greedy star colouring, a vertex at a time.
class StarColoring {
 public:
  explicit StarColoring(const Sparsity& pattern)
      : pattern_(pattern), forbidden_by_(static_cast<std::size_t>(pattern.rows()) + 1, -1) {
    result_.color.assign(static_cast<std::size_t>(pattern.rows()), kNone);
  }

  Coloring run() {
    for (const std::int64_t v : by_degree(pattern_)) {
      forbid_around(v);
      std::size_t color = 0;
      while (forbidden_by_[color] == v) ++color;
      result_.color[static_cast<std::size_t>(v)] = color;
      result_.colors = std::max(result_.colors, color + 1);
    }
    return std::move(result_);
  }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  std::size_t color(std::int64_t v) const { return result_.color[static_cast<std::size_t>(v)]; }
  void forbid(std::size_t color, std::int64_t v) { forbidden_by_[color] = v; }

  void forbid_around(std::int64_t v) {
    for (const std::int64_t w : pattern_.row(v)) {
      if (w == v) continue;
      if (color(w) != kNone) forbid(color(w), v);
      for (const std::int64_t x : pattern_.row(w)) {
        if (x == v || x == w || color(x) == kNone) continue;
        // v - w - x: either w is still open and would see its colour twice, or x leads on to w's colour.
        if (color(w) == kNone || has_other_neighbour(x, w)) forbid(color(x), v);
      }
    }
  }

  /// Whether x has a neighbour of w's colour besides w.
  bool has_other_neighbour(std::int64_t x, std::int64_t w) const {
    const auto row = pattern_.row(x);
    return std::any_of(row.begin(), row.end(),
                       [&](std::int64_t y) { return y != w && y != x && color(y) == color(w); });
  }

  const Sparsity& pattern_;
  Coloring result_;
  std::vector<std::int64_t> forbidden_by_;
};

}  // namespace

Sparsity::Sparsity(std::int64_t columns, std::vector<std::vector<std::int64_t>> rows) : columns_(columns) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::sort(rows[i].begin(), rows[i].end());
    for (std::size_t k = 0; k < rows[i].size(); ++k) {
      const std::int64_t j = rows[i][k];
      if (j < 0 || j >= columns)
        throw UsageError(
            fmt::format("Sparsity: row {} has an entry in column {} (want 0 <= column < {})", i, j, columns));
      if (k > 0 && rows[i][k - 1] == j)
        throw UsageError(fmt::format("Sparsity: row {} has column {} twice (want each once)", i, j));
      column_.push_back(j);
    }
    begin_.push_back(entries());
  }
}

Sparsity Sparsity::of(const Tensor& t) {
  if (t.dim() != 2)
    throw ShapeError(fmt::format("Sparsity: a tensor of shape {} (want 2 dimensions)", t.shape().str()));
  std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(t.size(0)));
  const std::vector<double> values = t.to_vector<double>();
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto width = static_cast<std::size_t>(t.size(1));
    if (values[k] != 0) rows[k / width].push_back(static_cast<std::int64_t>(k % width));
  }
  return {t.size(1), std::move(rows)};
}

Sparsity Sparsity::banded(std::int64_t rows, std::int64_t columns, std::int64_t below, std::int64_t above) {
  std::vector<std::vector<std::int64_t>> entries(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = std::max<std::int64_t>(0, i - below); j <= std::min(columns - 1, i + above); ++j)
      entries[static_cast<std::size_t>(i)].push_back(j);
  }
  return {columns, std::move(entries)};
}

std::span<const std::int64_t> Sparsity::row(std::int64_t i) const {
  const std::int64_t first = first_entry(i);
  return std::span(column_).subspan(static_cast<std::size_t>(first),
                                    static_cast<std::size_t>(first_entry(i + 1) - first));
}

bool Sparsity::contains(std::int64_t i, std::int64_t j) const {
  const auto columns = row(i);
  return std::binary_search(columns.begin(), columns.end(), j);
}

Sparsity Sparsity::transposed() const {
  std::vector<std::vector<std::int64_t>> result(static_cast<std::size_t>(columns_));
  for (std::int64_t i = 0; i < rows(); ++i) {
    for (const std::int64_t j : row(i)) result[static_cast<std::size_t>(j)].push_back(i);
  }
  return {rows(), std::move(result)};
}

Sparsity Sparsity::operator|(const Sparsity& other) const {
  if (rows() != other.rows() || columns() != other.columns()) {
    throw ShapeError(fmt::format("Sparsity: a union of {} x {} and {} x {} (want equal sizes)", rows(), columns(),
                                 other.rows(), other.columns()));
  }
  std::vector<std::vector<std::int64_t>> result(static_cast<std::size_t>(rows()));
  for (std::int64_t i = 0; i < rows(); ++i) {
    const auto a = row(i), b = other.row(i);
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(result[static_cast<std::size_t>(i)]));
  }
  return {columns_, std::move(result)};
}

Coloring color_rows(const Sparsity& pattern) {
  Coloring result;
  result.color.resize(static_cast<std::size_t>(pattern.rows()));
  if (pattern.rows() == 0) return result;
  const Conflicts graph = conflicts_of_rows(pattern);
  std::vector<Vertex> order(result.color.size()), degree(result.color.size()), marker(result.color.size());
  const auto index = boost::get(boost::vertex_index, graph);
  const auto as_map = [&](std::vector<Vertex>& values) {
    return boost::make_iterator_property_map(values.begin(), index);
  };
  boost::smallest_last_vertex_ordering(graph,
                                       boost::make_iterator_property_map(order.begin(), boost::identity_property_map()),
                                       as_map(degree), as_map(marker));
  result.colors = boost::sequential_vertex_coloring(
      graph, boost::make_iterator_property_map(order.begin(), boost::identity_property_map()), as_map(result.color));
  return result;
}

Coloring color_symmetric(const Sparsity& pattern) {
  if (pattern.rows() != pattern.columns() || pattern.transposed() != pattern)
    throw UsageError(
        fmt::format("color_symmetric: the pattern of {} x {} is not symmetric", pattern.rows(), pattern.columns()));
  return StarColoring(pattern).run();
}

Tensor SparseMatrix::to_dense() const {
  Tensor dense = zeros({pattern.rows(), pattern.columns()}, values.dtype());
  visit_dtype(values.dtype(), [&]<class T>(T) {
    const T* from = values.data<T>();
    T* to = dense.mutable_data<T>();
    for (std::int64_t i = 0; i < pattern.rows(); ++i) {
      for (const std::int64_t j : pattern.row(i)) to[i * pattern.columns() + j] = *from++;
    }
  });
  return dense;
}

}  // namespace dagrad
