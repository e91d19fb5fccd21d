#include "dagrad/nn/data/numpy.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/error.h"
#include "dagrad/nn/io/npy.h"
#include "dagrad/nn/io/npz.h"
#include "dagrad/ops/view.h"

namespace dagrad::data {
namespace {

Dataset make_dataset(const std::string& file, const Tensor& features, const Tensor& labels, std::int64_t classes) {
  if (features.dim() == 0 || labels.dim() == 0)
    throw IoError(fmt::format("{}: features or labels are a single number (want arrays, samples first)", file));
  if (features.dim() < 2)
    throw IoError(fmt::format("{}: features are {} (want [N, ...], samples first)", file, features.shape().str()));
  Dataset dataset{to(features, f32), labels, 0};
  if (is_floating(labels.dtype())) {
    dataset.labels = to(labels, f32);
  } else {
    if (labels.dim() == 2 && labels.size(1) == 1) dataset.labels = squeeze(labels, 1);
    if (dataset.labels.dim() != 1)
      throw IoError(fmt::format("{}: labels are {} (want [N] for classes)", file, labels.shape().str()));
    dataset.labels = to(dataset.labels, i64);
    const auto values = dataset.labels.to_vector<std::int64_t>();
    const std::int64_t largest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    if (largest == std::numeric_limits<std::int64_t>::max())
      throw IoError(fmt::format("{}: the largest label is {} (want one less at most)", file, largest));
    dataset.classes = classes > 0 ? classes : std::max<std::int64_t>(largest, 0) + 1;
  }
  try {
    dataset.check(file);
  } catch (const UsageError& error) {
    throw IoError(error.what());
  }
  return dataset;
}

}  // namespace

Dataset load_npz_dataset(const std::filesystem::path& file, const NumpyOptions& options) {
  const io::NamedTensors arrays = io::load_npz(file);
  for (const std::string& name : {options.features, options.labels}) {
    if (io::find(arrays, name).defined()) continue;
    std::vector<std::string> names;
    for (const auto& [there, array] : arrays) names.push_back(there);
    throw IoError(fmt::format("{}: has no array '{}' (want one of {})", file.string(), name, fmt::join(names, ", ")));
  }
  return make_dataset(file.string(), io::find(arrays, options.features), io::find(arrays, options.labels),
                      options.classes);
}

Dataset load_npy_dataset(const std::filesystem::path& features, const std::filesystem::path& labels,
                         const NumpyOptions& options) {
  return make_dataset(features.string(), io::load_npy(features), io::load_npy(labels), options.classes);
}

}  // namespace dagrad::data
