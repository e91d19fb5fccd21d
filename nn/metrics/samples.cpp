#include "dagrad/nn/metrics/samples.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/error.h"

namespace dagrad::metrics {

std::vector<double> sample_weights(std::string_view metric, const Tensor& weights, std::int64_t count) {
  if (!weights.defined()) return std::vector<double>(static_cast<std::size_t>(count), 1.0);
  if (weights.shape() != Shape{count}) {
    throw ShapeError(
        fmt::format("{}: sample weights are {} (want [{}], one a sample)", metric, weights.shape().str(), count));
  }
  std::vector<double> result = weights.to_vector<double>();
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (!(result[i] >= 0 && std::isfinite(result[i])))
      throw UsageError(fmt::format("{}: sample weight {} is {} (want a finite one, at least 0)", metric, i, result[i]));
  }
  return result;
}

void check_same_shape(std::string_view metric, const Tensor& target, const Tensor& prediction) {
  if (target.shape() != prediction.shape() || target.dim() == 0) {
    throw ShapeError(fmt::format("{}: target is {}, prediction is {} (want the same shape, samples first)", metric,
                                 target.shape().str(), prediction.shape().str()));
  }
}

std::vector<std::int64_t> class_indices(std::string_view metric, std::string_view what, const Tensor& indices,
                                        std::int64_t classes) {
  if (indices.dim() != 1)
    throw ShapeError(fmt::format("{}: {} is {} (want class indices [N])", metric, what, indices.shape().str()));
  if (is_floating(indices.dtype())) {
    throw DTypeError(
        fmt::format("{}: {} has element type {} (want i64 class indices)", metric, what, name_of(indices.dtype())));
  }
  std::vector<std::int64_t> result = indices.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (result[i] < 0 || result[i] >= classes) {
      throw UsageError(fmt::format("{}: {} at index {} is {} (want 0 to {})", metric, what, i, result[i], classes - 1));
    }
  }
  return result;
}

std::vector<std::int64_t> best_classes(std::string_view metric, const Tensor& scores) {
  if (scores.dim() != 2 || scores.size(1) == 0)
    throw ShapeError(fmt::format("{}: prediction is {} (want scores [N, C])", metric, scores.shape().str()));
  const auto values = scores.to_vector<double>();
  const auto classes = static_cast<std::size_t>(scores.size(1));
  std::vector<std::int64_t> best(static_cast<std::size_t>(scores.size(0)));
  for (std::size_t i = 0; i < best.size(); ++i) {
    const double* const row = values.data() + i * classes;
    std::size_t at = 0;
    bool is_nan = std::isnan(row[0]);
    for (std::size_t c = 1; c < classes; ++c) {
      is_nan |= std::isnan(row[c]);
      if (row[c] > row[at]) at = c;
    }
    best[i] = is_nan ? -1 : static_cast<std::int64_t>(at);
  }
  return best;
}

}  // namespace dagrad::metrics
