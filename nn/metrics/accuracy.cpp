#include "dagrad/nn/metrics/accuracy.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/metrics/samples.h"

namespace dagrad::metrics {
namespace {

std::vector<double> matches(const std::vector<std::int64_t>& wanted, const std::vector<std::int64_t>& got) {
  std::vector<double> result(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) result[i] = wanted[i] == got[i] && got[i] >= 0 ? 1 : 0;
  return result;
}

void check_scores(const std::string& metric, const Tensor& target, const Tensor& scores) {
  if (scores.dim() != 2 || target.dim() == 0 || target.size(0) != scores.size(0)) {
    throw ShapeError(fmt::format("{}: target is {}, prediction is {} (want [N] and scores [N, C])", metric,
                                 target.shape().str(), scores.shape().str()));
  }
}

}  // namespace

std::vector<double> BinaryAccuracy::figures(const Tensor& target, const Tensor& prediction) const {
  check_same_shape(name(), target, prediction);
  const auto wanted = target.to_vector<double>(), got = prediction.to_vector<double>();
  std::vector<double> result(static_cast<std::size_t>(target.size(0)));
  const std::size_t each = result.empty() ? 1 : wanted.size() / result.size();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != 0 && wanted[i] != 1)
      throw UsageError(fmt::format("{}: target at index {} is {} (want 0 or 1)", name(), i, wanted[i]));
    const bool is_right = !std::isnan(got[i]) && (got[i] > threshold_) == (wanted[i] == 1);
    result[i / each] += (is_right ? 1.0 : 0.0) / static_cast<double>(each);
  }
  return result;
}

std::vector<double> CategoricalAccuracy::figures(const Tensor& target, const Tensor& prediction) const {
  check_same_shape(name(), target, prediction);
  return matches(best_classes(name(), target), best_classes(name(), prediction));
}

std::vector<double> SparseCategoricalAccuracy::figures(const Tensor& target, const Tensor& prediction) const {
  check_scores(name(), target, prediction);
  return matches(class_indices(name(), "target", target, prediction.size(1)), best_classes(name(), prediction));
}

TopKCategoricalAccuracy::TopKCategoricalAccuracy(std::int64_t k) : k_(k) {
  if (k < 1) throw UsageError(fmt::format("TopKCategoricalAccuracy: k is {} (want k >= 1)", k));
}

std::vector<double> TopKCategoricalAccuracy::figures(const Tensor& target, const Tensor& prediction) const {
  check_scores(name(), target, prediction);
  if (target.dim() == 2) check_same_shape(name(), target, prediction);
  const auto wanted =
      target.dim() == 2 ? best_classes(name(), target) : class_indices(name(), "target", target, prediction.size(1));
  const auto scores = prediction.to_vector<double>();
  const auto classes = static_cast<std::size_t>(prediction.size(1));
  std::vector<double> result(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double* const row = scores.data() + i * classes;
    if (wanted[i] < 0) continue;
    const auto own = static_cast<std::size_t>(wanted[i]);
    std::int64_t before = 0;
    bool is_nan = false;
    for (std::size_t c = 0; c < classes; ++c) {
      is_nan |= std::isnan(row[c]);
      before += row[c] > row[own] || (row[c] == row[own] && c < own) ? 1 : 0;
    }
    result[i] = !is_nan && before < k_ ? 1 : 0;
  }
  return result;
}

}  // namespace dagrad::metrics
