#include "dagrad/nn/data/dataset.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/data/gather_rows.h"
#include "dagrad/ops/view.h"

namespace dagrad::data {

namespace {

/// The sample with the first element that is NaN or infinite; -1 when all are finite.
std::int64_t first_not_finite(const Tensor& t_in) {
  if (!is_floating(t_in.dtype()) || t_in.numel() == 0) return -1;
  const Tensor t = contiguous_data(t_in);
  const std::int64_t each = t.numel() / t.size(0);
  return visit_dtype(t.dtype(), [&]<class T>(T) -> std::int64_t {
    const T* const values = t.data<T>();
    for (std::int64_t i = 0; i < t.numel(); ++i) {
      if (!std::isfinite(convert_to<double>(values[i]))) return i / each;
    }
    return -1;
  });
}

}  // namespace

void Dataset::check(std::string_view who) const {
  if (size() == 0) throw UsageError(fmt::format("{}: the dataset is empty (want at least one sample)", who));
  if (!labels.defined() || labels.dim() == 0 || labels.size(0) != size()) {
    throw UsageError(fmt::format("{}: features {}, labels {} (want one label a sample)", who, features.shape().str(),
                                 labels.defined() ? labels.shape().str() : "undefined"));
  }
  if (classes > 0) {
    const auto values = labels.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < 0 || values[i] >= classes)
        throw UsageError(
            fmt::format("{}: the label of sample {} is {} (want 0 to {})", who, i, values[i], classes - 1));
    }
  }
  if (const std::int64_t i = first_not_finite(features); i >= 0)
    throw UsageError(fmt::format("{}: sample {} has a feature that is NaN or infinite (want finite numbers)", who, i));
  if (const std::int64_t i = first_not_finite(labels); i >= 0)
    throw UsageError(fmt::format("{}: the label of sample {} is NaN or infinite (want finite numbers)", who, i));
}

Dataset Dataset::slice(std::int64_t first, std::int64_t count) const {
  return {narrow(features, 0, first, count), narrow(labels, 0, first, count), classes};
}

Dataset Dataset::subset(std::span<const std::int64_t> indices) const {
  for (const std::int64_t index : indices) {
    if (index < 0 || index >= size())
      throw UsageError(fmt::format("subset: index {} (want 0 to {})", index, size() - 1));
  }
  return {gather_rows(features, indices), gather_rows(labels, indices), classes};
}

}  // namespace dagrad::data
