// Any loss as a metric.
#pragma once

#include <functional>

#include "dagrad/nn/metrics/metric.h"

namespace dagrad::metrics {

/// The mean of a loss over all samples, weighted:
///
///   LossMetric nll("nll", [](const Tensor& p, const Tensor& t) { return cross_entropy(p, t, Reduction::none); });
///
/// The loss is called without recording. With reduction none it gives one value, or several, for each sample; with the
/// mean over samples it gives one for the batch, which then counts by the batch's size, and takes no sample weights.
class LossMetric final : public Metric {
 public:
  using Loss = std::function<Tensor(const Tensor& prediction, const Tensor& target)>;
  LossMetric(std::string name, Loss loss) : name_(std::move(name)), loss_(std::move(loss)) {}

  void update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) override;
  double result() const override { return mean_.result(); }
  void reset() override { mean_.reset(); }
  optim::State state() const override { return mean_.state(name_); }
  std::function<void()> prepare_state(const optim::State& state) override { return mean_.prepare_state(name_, state); }
  std::string name() const override { return name_; }

 private:
  std::string name_;
  Loss loss_;
  Mean mean_;
};

}  // namespace dagrad::metrics
