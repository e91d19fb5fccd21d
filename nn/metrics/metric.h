// What all metrics have in common, and the mean.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/optim/state.h"

namespace dagrad::metrics {

/// A figure about predictions that is gathered batch by batch: `metric(target, prediction)` for each, result() for all
/// of them since the last reset(). What is kept are sums (or all scores, where no sum will do), never averages of
/// batches: the result is that of one large batch, however it is cut. Sums are of type double. Not thread-safe.
class Metric {
 public:
  virtual ~Metric() = default;

  /// Takes in a batch. The first axis of both is that of the samples; `sample_weight` is [N], none below 0, or
  /// undefined for 1 each. Gradients are not recorded. Throws ShapeError, DTypeError and UsageError before anything is
  /// changed.
  virtual void update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) = 0;
  /// The figure; NaN before any sample of a weight above 0 was seen.
  virtual double result() const = 0;
  virtual void reset() = 0;
  virtual std::string name() const = 0;

  /// What has been gathered, for going on later. Throws UsageError where a metric does not define it.
  virtual optim::State state() const;
  /// Checks a state, and returns what takes it over and cannot fail. Throws UsageError.
  [[nodiscard]] virtual std::function<void()> prepare_state(const optim::State& state);

  /// update() and then result().
  double operator()(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) {
    update(target, prediction, sample_weight);
    return result();
  }

 protected:
  Metric() = default;
  Metric(const Metric&) = default;
  Metric& operator=(const Metric&) = default;
};

/// sum(w x) / sum(w).
class Mean {
 public:
  /// Adds one value.
  void add(double value, double weight = 1) { add_total(weight * value, weight); }
  /// Adds values whose weighted sum and whose weights' sum are known.
  void add_total(double sum, double weight) {
    sum_ += sum;
    weight_ += weight;
  }
  /// Adds all elements of a tensor, with one weight for each sample [N] of the first axis, or none.
  void update(const Tensor& values, const Tensor& sample_weight = {});
  double result() const { return sum_ / weight_; }
  double total_weight() const { return weight_; }

  /// The sums, as the state of a metric of that name.
  optim::State state(const std::string& name) const;
  [[nodiscard]] std::function<void()> prepare_state(const std::string& name, const optim::State& state);

  void reset() { *this = Mean(); }
  double operator()(const Tensor& values, const Tensor& sample_weight = {}) {
    update(values, sample_weight);
    return result();
  }

 private:
  double sum_ = 0, weight_ = 0;
};

/// A metric that is the weighted mean of a figure that each sample has.
class SampleMean : public Metric {
 public:
  void update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) final;
  double result() const override { return mean_.result(); }
  void reset() final { mean_.reset(); }
  optim::State state() const final { return mean_.state(name()); }
  std::function<void()> prepare_state(const optim::State& state) final { return mean_.prepare_state(name(), state); }

 protected:
  /// The figure of each sample of a batch. Checks shapes and values.
  virtual std::vector<double> figures(const Tensor& target, const Tensor& prediction) const = 0;

 private:
  Mean mean_;
};

}  // namespace dagrad::metrics
