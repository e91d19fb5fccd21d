#include "dagrad/nn/metrics/metric.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/metrics/samples.h"

namespace dagrad::metrics {

optim::State Metric::state() const {
  throw UsageError(fmt::format("{}: state is not defined (want a metric that overrides it)", name()));
}

std::function<void()> Metric::prepare_state(const optim::State&) {
  throw UsageError(fmt::format("{}: prepare_state is not defined (want a metric that overrides it)", name()));
}

optim::State Mean::state(const std::string& name) const {
  return {.kind = name, .numbers = {{"sum", sum_}, {"weight", weight_}}, .tensors = {}};
}

std::function<void()> Mean::prepare_state(const std::string& name, const optim::State& state) {
  optim::StateReader reader(name, state);
  const double sum = reader.number("sum"), weight = reader.number("weight");
  reader.finish();
  return [this, sum, weight] {
    sum_ = sum;
    weight_ = weight;
  };
}

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
