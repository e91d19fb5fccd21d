// How often a prediction is right. One that holds a NaN counts as wrong.
#pragma once

#include "dagrad/nn/metrics/metric.h"

namespace dagrad::metrics {

/// The share of elements on the right side of a threshold: target of 0 and 1, prediction of the same shape; above
/// `threshold` means 1. Use 0.5 for probabilities, 0 for logits. A sample with several elements counts by its mean.
class BinaryAccuracy final : public SampleMean {
 public:
  explicit BinaryAccuracy(double threshold = 0.5) : threshold_(threshold) {}
  std::string name() const override { return "BinaryAccuracy"; }

 private:
  std::vector<double> figures(const Tensor& target, const Tensor& prediction) const override;
  double threshold_;
};

/// The share of samples whose largest score is at the largest of the target: both [N, C]; the target is one-hot, or
/// probabilities. The first of equals counts as the largest.
class CategoricalAccuracy final : public SampleMean {
 public:
  std::string name() const override { return "CategoricalAccuracy"; }

 private:
  std::vector<double> figures(const Tensor& target, const Tensor& prediction) const override;
};

/// The same with class indices [N] as target, for scores [N, C].
class SparseCategoricalAccuracy final : public SampleMean {
 public:
  std::string name() const override { return "SparseCategoricalAccuracy"; }

 private:
  std::vector<double> figures(const Tensor& target, const Tensor& prediction) const override;
};

/// The share of samples whose class, an index of [N] or the largest of a one-hot [N, C], is among the k largest scores
/// of [N, C]; of equal scores the first count as larger, so that k = 1 is accuracy.
class TopKCategoricalAccuracy final : public SampleMean {
 public:
  /// Throws UsageError unless k >= 1.
  explicit TopKCategoricalAccuracy(std::int64_t k = 5);
  std::string name() const override { return "TopKCategoricalAccuracy"; }

 private:
  std::vector<double> figures(const Tensor& target, const Tensor& prediction) const override;
  std::int64_t k_;
};

}  // namespace dagrad::metrics
