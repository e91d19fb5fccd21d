// The area under the ROC curve.
#pragma once

#include "dagrad/nn/metrics/metric.h"

namespace dagrad::metrics {

/// The probability that a sample of class 1 has a higher score than one of class 0, where equal scores count as half:
/// the area under the curve of true over false positives. Exact, not by thresholds, and therefore keeps every score.
/// Target [N] of 0 and 1, prediction [N] of scores in any order-preserving form (probabilities or logits).
/// NaN until both classes have been seen. Throws UsageError for a score that is NaN.
class AUC final : public Metric {
 public:
  void update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) override;
  double result() const override;
  void reset() override { samples_.clear(); }
  std::string name() const override { return "AUC"; }
  optim::State state() const override;
  std::function<void()> prepare_state(const optim::State& state) override;

 private:
  struct Sample {
    double score, weight;
    bool positive;
  };
  std::vector<Sample> samples_;
};

}  // namespace dagrad::metrics
