#include "dagrad/nn/metrics/confusion.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/metrics/samples.h"

namespace dagrad::metrics {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::vector<std::int64_t> predicted_classes(const Tensor& prediction, std::int64_t classes) {
  if (prediction.dim() != 2) return class_indices("ConfusionMatrix", "prediction", prediction, classes);
  if (prediction.size(1) != classes) {
    throw ShapeError(fmt::format("ConfusionMatrix: prediction is {} (want scores of {} classes)",
                                 prediction.shape().str(), classes));
  }
  std::vector<std::int64_t> best = best_classes("ConfusionMatrix", prediction);
  for (std::size_t i = 0; i < best.size(); ++i) {
    if (best[i] < 0) throw UsageError(fmt::format("ConfusionMatrix: the scores of sample {} hold a NaN", i));
  }
  return best;
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(std::int64_t classes) : classes_(classes) {
  if (classes < 2) throw UsageError(fmt::format("ConfusionMatrix: {} classes (want at least 2)", classes));
  reset();
}

void ConfusionMatrix::reset() { counts_.assign(static_cast<std::size_t>(classes_ * classes_), 0.0); }

void ConfusionMatrix::update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight) {
  const auto wanted = class_indices("ConfusionMatrix", "target", target, classes_);
  const auto got = predicted_classes(prediction, classes_);
  if (wanted.size() != got.size()) {
    throw ShapeError(fmt::format("ConfusionMatrix: target is {}, prediction is {} (want as many samples)",
                                 target.shape().str(), prediction.shape().str()));
  }
  const auto weights = sample_weights("ConfusionMatrix", sample_weight, static_cast<std::int64_t>(wanted.size()));
  for (std::size_t i = 0; i < wanted.size(); ++i)
    counts_[static_cast<std::size_t>(wanted[i] * classes_ + got[i])] += weights[i];
}

Tensor ConfusionMatrix::result() const { return tensor(counts_, {classes_, classes_}); }

optim::State ConfusionMatrix::state(const std::string& name) const {
  return {.kind = name, .numbers = {}, .tensors = {{"counts", result()}}};
}

std::function<void()> ConfusionMatrix::prepare_state(const std::string& name, const optim::State& state) {
  optim::StateReader reader(name, state);
  auto counts = reader.tensor("counts", {classes_, classes_}, f64).to_vector<double>();
  reader.finish();
  return [this, counts = std::move(counts)]() mutable { counts_ = std::move(counts); };
}

ClassificationMetric::ClassificationMetric(const ClassificationOptions& options)
    : options_(options), matrix_(options.classes) {
  if (options.average == Average::binary && options.classes != 2) {
    throw UsageError(
        fmt::format("metrics: {} classes with Average::binary (want 2, or micro or macro)", options.classes));
  }
}

void ClassificationMetric::update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight) {
  if (options_.classes != 2 || prediction.dim() != 1 || !is_floating(prediction.dtype()))
    return matrix_.update(target, prediction, sample_weight);
  std::vector<std::int64_t> classes;
  for (const double p : prediction.to_vector<double>()) {
    if (std::isnan(p)) throw UsageError(fmt::format("{}: prediction {} is NaN", name(), classes.size()));
    classes.push_back(p > options_.threshold ? 1 : 0);
  }
  matrix_.update(target, tensor(classes, prediction.shape()), sample_weight);
}

double ClassificationMetric::result() const {
  double found = 0, falsely = 0, missed = 0, sum = 0, occurring = 0;
  for (std::int64_t c = options_.average == Average::binary ? 1 : 0; c < options_.classes; ++c) {
    double as_target = 0, as_prediction = 0;
    for (std::int64_t other = 0; other < options_.classes; ++other) {
      as_target += matrix_.at(c, other);
      as_prediction += matrix_.at(other, c);
    }
    const double hits = matrix_.at(c, c);
    found += hits;
    falsely += as_prediction - hits;
    missed += as_target - hits;
    if (as_target + as_prediction == 0) continue;
    sum += figure(hits, as_prediction - hits, as_target - hits);
    ++occurring;
  }
  if (options_.average == Average::macro) return sum / occurring;
  const bool is_empty = occurring == 0 && matrix_.at(0, 0) == 0;
  return is_empty ? std::numeric_limits<double>::quiet_NaN() : figure(found, falsely, missed);
}

double Precision::figure(double found, double falsely, double) const { return ratio(found, found + falsely); }

double Recall::figure(double found, double, double missed) const { return ratio(found, found + missed); }

FScore::FScore(const ClassificationOptions& options, double beta) : ClassificationMetric(options), beta_(beta) {
  if (!(beta > 0)) throw UsageError(fmt::format("FScore: beta is {} (want beta > 0)", beta));
}

double FScore::figure(double found, double falsely, double missed) const {
  const double b = beta_ * beta_;
  return ratio((1 + b) * found, (1 + b) * found + b * missed + falsely);
}

}  // namespace dagrad::metrics
