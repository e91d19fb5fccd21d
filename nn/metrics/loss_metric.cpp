#include "dagrad/nn/metrics/loss_metric.h"

#include <fmt/format.h>

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
  mean_.update(loss, sample_weight);
}

}  // namespace dagrad::metrics
