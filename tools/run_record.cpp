#include "tools/run_record.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/optim/clip.h"

namespace dagrad::tools {
namespace {

constexpr std::int64_t kStepsPerEpoch = 20, kMoments = 7;
constexpr std::size_t kMostParameters = 12;

/// Counts from the smallest element to the largest.
Histogram histogram_of(const std::string& moment, const Tensor& parameter) {
  const std::vector<double> values = parameter.detach().to_vector<double>();
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return histogram(moment, values, *least, *most > *least ? *most : *least + 1e-6);
}

}  // namespace

void RunRecord::start(const nn::Module& model) { look_at_weights(model, "start"); }

void RunRecord::step(const nn::StepRecord& step, const optim::Optimizer& optimizer) {
  const std::int64_t every = std::max<std::int64_t>(1, step.steps / kStepsPerEpoch);
  if (step.step != 1 && step.step % every != 0 && step.step != step.steps) return;
  const double norm = step.grad_norm > 0 ? step.grad_norm : optim::grad_norm(optimizer.parameters());
  const double share = static_cast<double>(step.step) / static_cast<double>(step.steps);
  steps_.push_back({static_cast<double>(step.epoch - 1) + share, step.lr, norm});
}

void RunRecord::epoch(const nn::EpochRecord& epoch, const nn::Module& model) {
  // Whenever another seventh of the training is over.
  if (epoch.epoch * kMoments / epochs_ != (epoch.epoch - 1) * kMoments / epochs_)
    look_at_weights(model, fmt::format("epoch {}", epoch.epoch));
}

void RunRecord::look_at_weights(const nn::Module& model, const std::string& moment) {
  if (!with_weights_) return;
  std::size_t place = 0;
  for (const auto& [name, parameter] : model.named_parameters()) {
    if (parameter.dim() < 2 || parameter.numel() == 0 || place == kMostParameters) continue;
    if (place == parameters_.size()) parameters_.push_back({name, {}});
    parameters_[place++].moments.push_back(histogram_of(moment, parameter));
  }
}

}  // namespace dagrad::tools
