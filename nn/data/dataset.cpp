#include "dagrad/nn/data/dataset.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/data/gather_rows.h"
#include "dagrad/ops/view.h"

namespace dagrad::data {

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
