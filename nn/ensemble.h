// Several models as one.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "dagrad/nn/any_module.h"
#include "dagrad/nn/io/named_tensors.h"

namespace dagrad::nn {

/// What an ensemble averages.
enum class EnsembleOf {
  outputs,        ///< the members' results as they are (numbers, logits)
  probabilities,  ///< softmax over the last axis; the result's logarithm is returned, so that it can stand for logits
};

/// The average of its members' results. Copying copies the members.
class Ensemble : public Module {
 public:
  /// Throws UsageError without members.
  explicit Ensemble(std::vector<AnyModule> members, EnsembleOf what = EnsembleOf::outputs);

  Tensor forward(const Tensor& x) override;
  std::size_t size() const { return members_.size(); }
  Module& operator[](std::size_t i) const { return *members_[i]; }
  void parts(Parts& p) override;
  std::string describe() const override { return "Ensemble"; }

 private:
  std::vector<AnyModule> members_;
  EnsembleOf what_;
};

/// The weighted mean of each tensor over several states of one model (see copy_state): sum(w_i s_i) / sum(w_i), in f64.
/// Tensors that are not floating are the last state's. Without weights, all count the same. Throws UsageError when the
/// states differ in names, shapes or types; load the result by load_state. Batch norm's statistics should be computed
/// anew afterwards.
io::NamedTensors average_states(std::span<const io::NamedTensors> states, std::span<const double> weights = {});

/// The states of the last few epochs, to average their weights or their outputs.
class Snapshots {
 public:
  /// Throws UsageError unless keep >= 1.
  explicit Snapshots(std::size_t keep = 5);
  /// Copies the state of `module`; the oldest goes when there are more than `keep`.
  void take(const Module& module);
  std::size_t size() const { return states_.size(); }
  /// The mean of their weights. Throws UsageError before the first.
  io::NamedTensors average() const;
  /// A copy of `module` for each, with its state.
  template <class M>
  Ensemble ensemble(const M& module, EnsembleOf what = EnsembleOf::outputs) const {
    std::vector<AnyModule> members;
    for (const io::NamedTensors& state : states_) members.emplace_back(with_state(deep_copy(module), state));
    return Ensemble(std::move(members), what);
  }

 private:
  template <class M>
  static M with_state(M module, const io::NamedTensors& state) {
    load_into(module, state);
    return module;
  }
  static void load_into(Module& module, const io::NamedTensors& state);

  std::size_t keep_;
  std::deque<io::NamedTensors> states_;
};

}  // namespace dagrad::nn
