// How far predicted numbers are from the true ones. Targets and predictions have the same shape, samples first.
#pragma once

#include "dagrad/nn/metrics/metric.h"

namespace dagrad::metrics {

/// The mean of (target - prediction)^2.
class MeanSquaredError : public SampleMean {
 public:
  std::string name() const override { return "MeanSquaredError"; }

 private:
  std::vector<double> figures(const Tensor& target, const Tensor& prediction) const override;
};

/// The root of the mean over all samples.
class RootMeanSquaredError final : public MeanSquaredError {
 public:
  double result() const override;
  std::string name() const override { return "RootMeanSquaredError"; }
};

/// The mean of |target - prediction|.
class MeanAbsoluteError final : public SampleMean {
 public:
  std::string name() const override { return "MeanAbsoluteError"; }

 private:
  std::vector<double> figures(const Tensor& target, const Tensor& prediction) const override;
};

/// 1 - sum(w (y - p)^2) / sum(w (y - mean y)^2), the share of the variance that is explained; of several outputs
/// [N, ...] the mean over them. For targets that are all equal: 1 when predicted exactly, else 0.
class R2Score final : public Metric {
 public:
  void update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) override;
  double result() const override;
  void reset() override { *this = R2Score(); }
  std::string name() const override { return "R2Score"; }
  optim::State state() const override;
  std::function<void()> prepare_state(const optim::State& state) override;

 private:
  struct Output {
    double weight = 0, mean = 0, spread = 0, residual = 0;
  };
  std::vector<Output> outputs_;
};

}  // namespace dagrad::metrics
