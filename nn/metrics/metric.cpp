#include "dagrad/nn/metrics/metric.h"

#include "dagrad/nn/metrics/samples.h"

namespace dagrad::metrics {

void Mean::update(const Tensor& values, const Tensor& sample_weight) {
  const auto numbers = values.to_vector<double>();
  if (values.dim() == 0 && !sample_weight.defined()) return add(numbers[0]);
  const std::int64_t count = values.dim() == 0 ? 1 : values.size(0);
  const auto weights = sample_weights("Mean", sample_weight, count);
  for (std::size_t i = 0, each = numbers.size() / std::max<std::size_t>(weights.size(), 1); i < numbers.size(); ++i)
    add(numbers[i], weights[i / each]);
}

void SampleMean::update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight) {
  const std::vector<double> batch = figures(target, prediction);
  const auto weights = sample_weights(name(), sample_weight, static_cast<std::int64_t>(batch.size()));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (weights[i] > 0) mean_.add(batch[i], weights[i]);
  }
}

}  // namespace dagrad::metrics
