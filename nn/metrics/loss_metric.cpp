#include "dagrad/nn/metrics/loss_metric.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/metrics/samples.h"

namespace dagrad::metrics {

void LossMetric::update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight) {
  const NoGrad guard;
  if (prediction.dim() == 0) throw ShapeError(fmt::format("{}: prediction is [] (want samples first)", name_));
  const std::int64_t count = prediction.size(0);
  const Tensor loss = loss_(prediction, target);
  if (loss.dim() == 0) {
    if (sample_weight.defined()) {
      throw UsageError(
          fmt::format("{}: the loss gives one value for the batch (want reduction none with sample weights)", name_));
    }
    if (count > 0) mean_.add(loss.item<double>(), static_cast<double>(count));
    return;
  }
  if (loss.size(0) != count) {
    throw ShapeError(fmt::format("{}: the loss is {} for {} samples (want one value or more for each)", name_,
                                 loss.shape().str(), count));
  }
  const Tensor counts = weigh_ ? weigh_(prediction, target) : Tensor();
  if (counts.defined() || by_sample_)
    add(loss, counts, sample_weight);
  else
    mean_.update(loss, sample_weight);
}

void LossMetric::refuse_weight(const Tensor& weight) const {
  if (weight.defined())
    throw UsageError(fmt::format("{}: the loss has weights of samples (want them given to update)", name_));
}

Tensor LossMetric::class_weights(const Tensor& prediction, const Tensor& target, const Tensor& weight,
                                 std::int64_t ignored) {
  if (is_floating(target.dtype())) return {};  // probabilities, whose mean is over the samples
  // A log-probability of -1 costs the weight of its class, or nothing where the label is ignored.
  return nll_loss(full(prediction.shape(), -1, prediction.dtype()), target,
                  {.weight = weight, .ignore_index = ignored, .reduction = Reduction::none});
}

void LossMetric::add(const Tensor& losses, const Tensor& counts, const Tensor& sample_weight) {
  const auto values = losses.to_vector<double>();
  const auto each_counts = counts.defined() ? counts.to_vector<double>() : std::vector<double>();
  const auto weights = sample_weights(name_, sample_weight, losses.size(0));
  const std::size_t each = values.size() / std::max<std::size_t>(weights.size(), 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double count = counts.defined() ? each_counts[i] : 1.0 / static_cast<double>(each);
    mean_.add_total(weights[i / each] * values[i], weights[i / each] * count);
  }
}

}  // namespace dagrad::metrics
