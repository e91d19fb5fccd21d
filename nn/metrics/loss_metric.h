// Any loss as a metric.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "dagrad/nn/loss.h"
#include "dagrad/nn/metrics/metric.h"

namespace dagrad::metrics {

/// The mean of a loss over all samples, weighted. Any loss of nn/loss.h with an input and a target is one, and any
/// function:
///
///   LossMetric loss("loss", nn::CrossEntropyLoss({.label_smoothing = 0.1}));
///   LossMetric nll("nll", [](const Tensor& p, const Tensor& t) { return cross_entropy(p, t, Reduction::none); });
///
/// The loss is called without recording. Of a class of nn the options' reduction does not matter: the result is the
/// mean that the loss has of all samples at once, so that weights of classes and ignored labels count in it as they do
/// there. A function with reduction none gives one value, or several, for each sample; with the mean over samples it
/// gives one for the batch, which then counts by the batch's size, and takes no sample weights.
class LossMetric final : public Metric {
 public:
  using Loss = std::function<Tensor(const Tensor& prediction, const Tensor& target)>;
  LossMetric(std::string name, Loss loss) : name_(std::move(name)), loss_(std::move(loss)) {}

  /// Throws UsageError for options with weights of samples, which belong to update().
  template <class Options, Tensor (*kFunction)(const Tensor&, const Tensor&, const Options&, Location)>
  LossMetric(std::string name, const nn::Loss<Options, kFunction>& loss) : name_(std::move(name)) {
    Options each = loss.options();
    if constexpr (requires { each.ignore_index; }) {
      refuse_weight(each.sample_weight);
      weigh_ = [weight = each.weight, ignored = each.ignore_index](const Tensor& prediction, const Tensor& target) {
        return class_weights(prediction, target, weight, ignored);
      };
    } else if constexpr (requires { each.sample_weight; }) {
      refuse_weight(each.sample_weight);
    } else {
      refuse_weight(each.weight);
    }
    if constexpr (requires { each.reduction == KlDivReduction::batchmean; })
      by_sample_ = each.reduction == KlDivReduction::batchmean;
    each.reduction = decltype(each.reduction)::none;
    loss_ = [each](const Tensor& prediction, const Tensor& target) {
      return kFunction(prediction, target, each, Location::current());
    };
  }

  void update(const Tensor& target, const Tensor& prediction, const Tensor& sample_weight = {}) override;
  double result() const override { return mean_.result(); }
  void reset() override { mean_.reset(); }
  optim::State state() const override { return mean_.state(name_); }
  std::function<void()> prepare_state(const optim::State& state) override { return mean_.prepare_state(name_, state); }
  std::string name() const override { return name_; }

 private:
  void refuse_weight(const Tensor& weight) const;
  /// What each sample counts in the mean of a loss with weights of classes; undefined for 1 each.
  static Tensor class_weights(const Tensor& prediction, const Tensor& target, const Tensor& weight,
                              std::int64_t ignored);
  /// Adds losses that are weighted already, of which each counts `counts` (undefined: each sample 1) in the mean.
  void add(const Tensor& losses, const Tensor& counts, const Tensor& sample_weight);

  std::string name_;
  Loss loss_;
  Loss weigh_;              // null without weights of classes
  bool by_sample_ = false;  // a sample's losses are summed, not averaged
  Mean mean_;
};

}  // namespace dagrad::metrics
