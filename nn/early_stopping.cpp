#include "dagrad/nn/early_stopping.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/error.h"
#include "dagrad/nn/saving.h"

namespace dagrad::nn {
namespace {

constexpr const char* kKind = "EarlyStopping";

}  // namespace

EarlyStopping::EarlyStopping(const EarlyStoppingOptions& options)
    : options_(options), best_(std::numeric_limits<double>::quiet_NaN()) {
  if (options.patience < 1)
    throw UsageError(fmt::format("EarlyStopping: patience is {} (want at least 1)", options.patience));
  if (!(options.min_delta >= 0))
    throw UsageError(fmt::format("EarlyStopping: min_delta is {} (want at least 0)", options.min_delta));
}

bool EarlyStopping::update(double value, const Module& module) {
  const double gain = options_.goal == Goal::minimise ? best_ - value : value - best_;
  const bool is_first = best_epoch_ < 0 && !std::isnan(value);
  if (is_first || gain > options_.min_delta) {
    best_ = value;
    best_epoch_ = epoch_;
    waited_ = 0;
    if (options_.restore_best) state_ = copy_state(module);
  } else {
    ++waited_;
  }
  ++epoch_;
  return stopped();
}

void EarlyStopping::restore(Module& module) const {
  if (best_epoch_ < 0) throw UsageError("EarlyStopping: nothing to restore (want an update with a number first)");
  if (!options_.restore_best) throw UsageError("EarlyStopping: nothing was kept (want restore_best)");
  load_state(module, state_);
}

optim::State EarlyStopping::state() const {
  optim::State state{.kind = kKind, .numbers = {}, .tensors = {}};
  state.numbers["best"] = best_;
  state.numbers["epochs"] = static_cast<double>(epoch_);
  state.numbers["waited"] = static_cast<double>(waited_);
  if (best_epoch_ >= 0) state.numbers["best_epoch"] = static_cast<double>(best_epoch_);
  for (const auto& [name, tensor] : state_) state.tensors[name] = tensor;
  return state;
}

std::function<void()> EarlyStopping::prepare_state(const optim::State& state, Module& module) {
  optim::StateReader reader(kKind, state);
  const double best = reader.number("best");
  const std::int64_t epochs = reader.count("epochs"), waited = reader.count("waited");
  const std::int64_t best_epoch = reader.has_number("best_epoch") ? reader.count("best_epoch") : -1;
  io::NamedTensors tensors;
  if (best_epoch >= 0 && options_.restore_best) {
    for (const auto& [name, tensor] : nn::state(module))
      tensors.emplace_back(name, reader.tensor(name, tensor.shape(), tensor.dtype()));
  }
  reader.finish();
  return [=, this]() mutable {
    best_ = best;
    epoch_ = epochs;
    waited_ = waited;
    best_epoch_ = best_epoch;
    state_ = std::move(tensors);
  };
}

}  // namespace dagrad::nn
