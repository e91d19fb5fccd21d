// The confusion matrix, and what is computed from it.
#pragma once

#include "dagrad/nn/metrics/metric.h"

namespace dagrad::metrics {

/// How often class i was taken for class j.
class ConfusionMatrix {
 public:
  /// Throws UsageError unless there are at least 2 classes.
  explicit ConfusionMatrix(std::int64_t classes);

  /// Target: class indices [N]. Prediction: class indices [N] (i64), or scores [N, C], the largest of which counts.
  /// Throws as Metric::update does, also for scores that are NaN.
  void update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {});
  /// f64 [C, C]: row i and column j hold the weight of samples of class i that were taken for j.
  Tensor result() const;
  void reset();
  Tensor operator()(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) {
    update(target, prediction, sample_weight);
    return result();
  }

  /// The weights, as the state of a metric of that name.
  optim::State state(const std::string& name = "ConfusionMatrix") const;
  [[nodiscard]] std::function<void()> prepare_state(const std::string& name, const optim::State& state);

  std::int64_t classes() const { return classes_; }
  double at(std::int64_t target, std::int64_t prediction) const {
    return counts_[static_cast<std::size_t>(target * classes_ + prediction)];
  }

 private:
  std::int64_t classes_;
  std::vector<double> counts_;
};

/// How the figures of the classes become one.
enum class Average {
  binary,  ///< that of class 1, of 2 classes
  micro,   ///< from the sums over all classes; for exactly one class a sample this is accuracy
  macro,   ///< their plain mean, over the classes that occur in the targets or predictions
};

struct ClassificationOptions {
  std::int64_t classes = 2;
  Average average = Average::binary;
  double threshold = 0.5;  ///< above it, a prediction [N] of floating type means class 1
};

/// A figure from how often each class was found, missed and falsely seen; the classes are as in ConfusionMatrix, or for
/// two classes a prediction [N] of probabilities. 0 / 0 counts as 0.
class ClassificationMetric : public Metric {
 public:
  /// Throws UsageError for Average::binary with other than 2 classes.
  explicit ClassificationMetric(const ClassificationOptions& options);
  void update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) override;
  double result() const override;
  void reset() override { matrix_.reset(); }
  optim::State state() const override { return matrix_.state(name()); }
  std::function<void()> prepare_state(const optim::State& state) override {
    return matrix_.prepare_state(name(), state);
  }
  const ConfusionMatrix& matrix() const { return matrix_; }

 protected:
  /// From true positives, false positives and false negatives.
  virtual double figure(double found, double falsely, double missed) const = 0;

 private:
  ClassificationOptions options_;
  ConfusionMatrix matrix_;
};

/// TP / (TP + FP): how many of those that were seen are right.
class Precision final : public ClassificationMetric {
 public:
  explicit Precision(const ClassificationOptions& options = {}) : ClassificationMetric(options) {}
  std::string name() const override { return "Precision"; }

 private:
  double figure(double found, double falsely, double missed) const override;
};

/// TP / (TP + FN): how many of those that are there were seen.
class Recall final : public ClassificationMetric {
 public:
  explicit Recall(const ClassificationOptions& options = {}) : ClassificationMetric(options) {}
  std::string name() const override { return "Recall"; }

 private:
  double figure(double found, double falsely, double missed) const override;
};

/// (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP): the harmonic mean of both, in which recall counts b times as much.
class FScore final : public ClassificationMetric {
 public:
  /// Throws UsageError unless beta > 0.
  explicit FScore(const ClassificationOptions& options = {}, double beta = 1);
  std::string name() const override { return "FScore"; }

 private:
  double figure(double found, double falsely, double missed) const override;
  double beta_;
};

}  // namespace dagrad::metrics
