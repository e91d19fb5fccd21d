#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "dagrad/core/analysis/linearization.h"
#include "dagrad/core/analysis/sparse_derivative.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/random.h"

namespace dagrad {
namespace {

/// x, and points near it.
std::vector<Tensor> points_near(const Tensor& x, const DetectionOptions& options, Generator& generator) {
  std::vector<Tensor> points{x.detach()};
  while (static_cast<int>(points.size()) < options.points) {
    Tensor point = contiguous_data(x.detach()).detach();
    const Tensor steps = uniform(x.shape(), -options.spread, options.spread, f64, generator);
    Tensor moved = Tensor::allocate({x.shape(), x.dtype()});
    visit_dtype(x.dtype(), [&]<class T>(T) {
      const T* from = point.data<T>();
      T* to = moved.mutable_data<T>();
      for (std::int64_t i = 0; i < x.numel(); ++i) {
        const auto value = convert_to<double>(from[i]);
        to[i] = convert_to<T>(value + steps.data<double>()[i] * (1 + std::abs(value)));
      }
    });
    points.push_back(moved);
  }
  return points;
}

/// A matrix A of which only products with vectors from the left can be had: for each point, u -> A^T u.
using Products = std::vector<std::function<std::vector<double>(const std::vector<double>&)>>;

/// Rows [begin, end), with the columns in which they may have entries.
struct Part {
  std::int64_t begin, end;
  std::vector<std::int64_t> columns;
};

class Detector {
 public:
  Detector(std::int64_t rows, std::int64_t columns, const Products& products, Generator& generator)
      : rows_(rows), columns_(columns), products_(products), generator_(generator) {}

  Detection run() {
    std::vector<std::int64_t> all(static_cast<std::size_t>(columns_));
    for (std::size_t j = 0; j < all.size(); ++j) all[j] = static_cast<std::int64_t>(j);
    if (rows_ == 0) return {Sparsity(columns_, {}), 0};
    std::vector<Part> parts{{0, rows_, all}};
    probe(parts);
    while (std::any_of(parts.begin(), parts.end(), [](const Part& part) { return part.end - part.begin > 1; })) {
      parts = halved(parts);
      probe(parts);
    }
    std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(rows_));
    for (Part& part : parts) rows[static_cast<std::size_t>(part.begin)] = std::move(part.columns);
    return {Sparsity(columns_, std::move(rows)), count_};
  }

 private:
  static std::vector<Part> halved(const std::vector<Part>& parts) {
    std::vector<Part> result;
    for (const Part& part : parts) {
      if (part.columns.empty()) continue;
      const std::int64_t middle = part.begin + (part.end - part.begin + 1) / 2;
      result.push_back({part.begin, middle, part.columns});
      if (middle < part.end) result.push_back({middle, part.end, part.columns});
    }
    return result;
  }

  /// Narrows each part's columns to those in which a product shows something.
  void probe(std::vector<Part>& parts) {
    std::vector<std::vector<std::int64_t>> columns;
    columns.reserve(parts.size());
    for (const Part& part : parts) columns.push_back(part.columns);
    const Coloring coloring = color_rows(Sparsity(columns_, std::move(columns)));
    for (std::size_t color = 0; color < coloring.colors; ++color) {
      std::vector<double> weights(static_cast<std::size_t>(rows_));
      const std::vector<double> draws = uniform({rows_}, 0.5, 1.5, f64, generator_).to_vector<double>();
      for (std::size_t k = 0; k < parts.size(); ++k) {
        if (coloring.color[k] != color) continue;
        std::copy(draws.begin() + parts[k].begin, draws.begin() + parts[k].end, weights.begin() + parts[k].begin);
      }
      std::vector<bool> seen(static_cast<std::size_t>(columns_));
      for (const auto& product : products_) {
        const std::vector<double> result = product(weights);
        for (std::size_t j = 0; j < seen.size(); ++j) seen[j] = seen[j] || result[j] != 0;
      }
      ++count_;
      for (std::size_t k = 0; k < parts.size(); ++k) {
        if (coloring.color[k] != color) continue;
        std::erase_if(parts[k].columns, [&](std::int64_t j) { return !seen[static_cast<std::size_t>(j)]; });
      }
    }
  }

  std::int64_t rows_, columns_;
  const Products& products_;
  Generator& generator_;
  std::size_t count_ = 0;
};

std::vector<std::shared_ptr<Linearization>> linearizations(const char* caller, const TensorFunction& f, const Tensor& x,
                                                           const DetectionOptions& options, Generator& generator) {
  std::vector<std::shared_ptr<Linearization>> result;
  for (const Tensor& point : points_near(x, options, generator))
    result.push_back(std::make_shared<Linearization>(caller, f, point));
  return result;
}

}  // namespace

Detection detect_jacobian_sparsity(const TensorFunction& f, const Tensor& x, const DetectionOptions& options) {
  Generator generator(options.seed);
  const auto points = linearizations("detect_jacobian_sparsity", f, x, options, generator);
  Products products;
  for (const auto& point : points)
    products.emplace_back([point](const std::vector<double>& u) { return point->pull_back(u); });
  return Detector(points[0]->outputs(), points[0]->inputs(), products, generator).run();
}

Detection detect_hessian_sparsity(const TensorFunction& f, const Tensor& x, const DetectionOptions& options) {
  Generator generator(options.seed);
  const auto points = linearizations("detect_hessian_sparsity", f, x, options, generator);
  Products products;
  for (const auto& point : points)
    products.emplace_back([point](const std::vector<double>& v) { return point->curve(v); });
  Detection found = Detector(points[0]->inputs(), points[0]->inputs(), products, generator).run();
  found.pattern = found.pattern | found.pattern.transposed();
  return found;
}

}  // namespace dagrad
