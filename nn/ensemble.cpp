#include "dagrad/nn/ensemble.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/saving.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/softmax.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

void check_alike(const io::NamedTensors& first, const io::NamedTensors& other, std::size_t index) {
  bool alike = first.size() == other.size();
  for (std::size_t i = 0; alike && i < first.size(); ++i) {
    alike = first[i].first == other[i].first && first[i].second.shape() == other[i].second.shape() &&
            first[i].second.dtype() == other[i].second.dtype();
  }
  if (!alike) {
    throw UsageError(fmt::format("average_states: state {} differs from the first in names, shapes or types", index));
  }
}

std::vector<double> shares(std::span<const double> weights, std::size_t count) {
  if (weights.empty()) return std::vector<double>(count, 1 / static_cast<double>(count));
  if (weights.size() != count)
    throw UsageError(fmt::format("average_states: {} weights (want {}, one a state)", weights.size(), count));
  double total = 0;
  for (const double w : weights) {
    if (!(w >= 0)) throw UsageError(fmt::format("average_states: a weight is {} (want at least 0)", w));
    total += w;
  }
  if (!(total > 0 && std::isfinite(total)))
    throw UsageError(fmt::format("average_states: the weights sum to {} (want it finite, above 0)", total));
  std::vector<double> result(weights.begin(), weights.end());
  for (double& w : result) w /= total;
  return result;
}

}  // namespace

Ensemble::Ensemble(std::vector<AnyModule> members, EnsembleOf what) : members_(std::move(members)), what_(what) {
  if (members_.empty()) throw UsageError("Ensemble: no members (want at least one)");
}

Tensor Ensemble::forward(const Tensor& x) {
  Tensor total;
  for (const AnyModule& member : members_) {
    Tensor result = member(x);
    if (what_ == EnsembleOf::probabilities) result = softmax(result);
    total = total.defined() ? total + result : result;
  }
  total = total / static_cast<double>(members_.size());
  return what_ == EnsembleOf::probabilities ? log(total) : total;
}

void Ensemble::parts(Parts& p) {
  for (std::size_t i = 0; i < members_.size(); ++i) p.module(std::to_string(i), *members_[i]);
}

io::NamedTensors average_states(std::span<const io::NamedTensors> states, std::span<const double> weights) {
  if (states.empty()) throw UsageError("average_states: no states (want at least one)");
  for (std::size_t i = 1; i < states.size(); ++i) check_alike(states[0], states[i], i);
  const std::vector<double> share = shares(weights, states.size());
  const NoGrad guard;
  io::NamedTensors result;
  for (std::size_t i = 0; i < states[0].size(); ++i) {
    const auto& [name, first] = states[0][i];
    if (!is_floating(first.dtype())) {
      result.emplace_back(name, clone(states.back()[i].second));
      continue;
    }
    Tensor mean = zeros(first.shape(), f64);
    for (std::size_t s = 0; s < states.size(); ++s) mean = mean + to(states[s][i].second, f64) * share[s];
    result.emplace_back(name, to(mean, first.dtype()));
  }
  return result;
}

Snapshots::Snapshots(std::size_t keep) : keep_(keep) {
  if (keep < 1) throw UsageError("Snapshots: keep is 0 (want at least 1)");
}

void Snapshots::take(const Module& module) {
  states_.push_back(copy_state(module));
  if (states_.size() > keep_) states_.pop_front();
}

io::NamedTensors Snapshots::average() const {
  const std::vector<io::NamedTensors> states(states_.begin(), states_.end());
  return average_states(states);
}

void Snapshots::load_into(Module& module, const io::NamedTensors& state) { load_state(module, state); }

}  // namespace dagrad::nn
