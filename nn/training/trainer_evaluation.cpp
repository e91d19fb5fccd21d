// Trainer: scores of a model as it stands.
#include <algorithm>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/training/trainer.h"

namespace dagrad::nn {
namespace {

/// For a scope, the module and all inside are in evaluation mode; then each is in its own again.
class Evaluating {
 public:
  explicit Evaluating(Module& module) {
    for (const auto& [name, part] : module.named_modules()) modes_.emplace_back(part, part->is_training());
    module.eval();
  }
  ~Evaluating() {
    // Outer ones come first, and each sets all inside.
    for (const auto& [part, mode] : modes_) part->train(mode);
  }
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> modes_;
};

}  // namespace

Scores Trainer::evaluate(const data::Dataset& dataset) { return evaluate(dataset, options_.metrics); }

Scores Trainer::evaluate(const data::Dataset& dataset, const std::vector<std::shared_ptr<metrics::Metric>>& metrics) {
  if (dataset.size() == 0) throw UsageError("Trainer: there is nothing to evaluate (want samples)");
  const NoGrad guard;
  const Evaluating mode(model_);
  for (const auto& metric : metrics) metric->reset();
  double loss = 0;
  for (std::int64_t first = 0, index = 0; first < dataset.size(); first += options_.evaluation_batch, ++index) {
    const data::Dataset part = dataset.slice(first, std::min(options_.evaluation_batch, dataset.size() - first));
    const Tensor prediction = predict({part.features, part.labels, index});
    loss += loss_(prediction, part.labels, where_).item<double>() * static_cast<double>(part.size());
    for (const auto& metric : metrics) metric->update(part.labels, prediction);
  }
  Scores scores{.loss = loss / static_cast<double>(dataset.size()), .metrics = {}};
  for (const auto& metric : metrics) scores.metrics.emplace_back(metric->name(), metric->result());
  return scores;
}

}  // namespace dagrad::nn
