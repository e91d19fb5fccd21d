#include "dagrad/nn/metrics/auc.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/metrics/samples.h"

namespace dagrad::metrics {

void AUC::update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight) {
  check_same_shape(name(), target, prediction);
  if (target.dim() != 1) throw ShapeError(fmt::format("AUC: target is {} (want [N])", target.shape().str()));
  const auto wanted = target.to_vector<double>(), scores = prediction.to_vector<double>();
  const auto weights = sample_weights(name(), sample_weight, target.size(0));
  std::vector<Sample> batch;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != 0 && wanted[i] != 1)
      throw UsageError(fmt::format("AUC: target at index {} is {} (want 0 or 1)", i, wanted[i]));
    if (std::isnan(scores[i])) throw UsageError(fmt::format("AUC: prediction {} is NaN", i));
    batch.push_back({scores[i], weights[i], wanted[i] == 1});
  }
  samples_.insert(samples_.end(), batch.begin(), batch.end());
}

double AUC::result() const {
  std::vector<Sample> sorted = samples_;
  std::sort(sorted.begin(), sorted.end(), [](const Sample& a, const Sample& b) { return a.score < b.score; });
  double positives = 0, negatives = 0, area = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    double equal_positives = 0, equal_negatives = 0;
    std::size_t end = i;
    for (; end < sorted.size() && sorted[end].score == sorted[i].score; ++end)
      (sorted[end].positive ? equal_positives : equal_negatives) += sorted[end].weight;
    area += equal_positives * (negatives + equal_negatives / 2);
    positives += equal_positives;
    negatives += equal_negatives;
    i = end;
  }
  return area / (positives * negatives);
}

optim::State AUC::state() const {
  std::vector<double> samples;
  for (const Sample& sample : samples_)
    samples.insert(samples.end(), {sample.score, sample.weight, sample.positive ? 1.0 : 0.0});
  return {.kind = name(),
          .numbers = {},
          .tensors = {{"samples", tensor(samples, {static_cast<std::int64_t>(samples_.size()), 3})}}};
}

std::function<void()> AUC::prepare_state(const optim::State& state) {
  const std::string kind = name();
  optim::StateReader reader(kind, state);
  const Tensor& kept = reader.tensor("samples");
  const auto samples = reader.tensor("samples", {kept.dim() > 0 ? kept.size(0) : 0, 3}, f64).to_vector<double>();
  reader.finish();
  std::vector<Sample> loaded;
  for (std::size_t i = 0; i < samples.size(); i += 3)
    loaded.push_back({samples[i], samples[i + 1], samples[i + 2] == 1});
  return [this, loaded = std::move(loaded)]() mutable { samples_ = std::move(loaded); };
}

}  // namespace dagrad::metrics
