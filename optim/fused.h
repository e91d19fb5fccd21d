// Optimizers whose step is one pass over memory.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "dagrad/optim/grouped.h"
#include "dagrad/optim/pass.h"

namespace dagrad::optim {

inline constexpr std::array kFusedTypes = {f32, f64, bf16};

/// The index of `parameter` among the optimizer's. Throws UsageError when it is not there or `copy` does not fit.
std::size_t checked_copy(const Optimizer& optimizer, const Tensor& parameter, const Tensor& copy);

/// A tensor like the parameter that a rule keeps between steps.
struct StateTensor {
  std::string_view name = {};   ///< PyTorch's name, under which it is saved
  bool needed = !name.empty();  ///< whether the group's options make use of it
  double initial = 0;
};

/// A rule's state tensors; the places are fixed, unneeded ones stay undefined.
using StateTensors = std::array<StateTensor, kMaxStates>;

/// What an optimizer's file says of itself. O has a member `maximize`.
template <class O>
struct UpdateRule {
  std::string_view name;
  Pass::Kernel kernel;
  StateTensors (*states)(const O& options);
  /// Carries Progress::product on, when `steps` already counts this step; may be null.
  void (*advance)(const O& options, Progress& progress) = nullptr;
};

/// A rule's kernel: a function of the SIMD targets, exported under `name` (HWY_EXPORT), as a Pass::Kernel.
#define DAGRAD_DISPATCHED(name) \
  [](const Pass& pass, std::int64_t begin, std::int64_t end) { HWY_DYNAMIC_DISPATCH(name)(pass, begin, end); }

/// The part that does not depend on the options' type: states, the pass, bf16.
///
/// A bf16 parameter has an f32 master copy among its states: the rule works on that, and the same pass rounds it into
/// the parameter. When somebody else changed the parameter in between, the elements that differ from the rounded master
/// replace it.
class PassRunner {
 public:
  /// A group of parameters as a step sees it.
  struct Group {
    std::span<const Tensor> parameters;
    const void* options;
    StateTensors states;
    bool maximize;
  };
  using Advance = std::function<void(std::size_t group, Progress& progress)>;

  /// Makes the states that are needed and not there yet, and then the pass over all parameters that have a gradient.
  void step(const std::vector<Group>& groups, Pass::Kernel kernel, double grad_scale, const Advance& advance);

  void set_copy(std::size_t index, Tensor copy);
  void save(const std::vector<Group>& groups, State& state) const;
  std::function<void()> prepare_load(const std::vector<Group>& groups, StateReader& reader);

 private:
  struct ParameterState {
    Progress progress;
    std::array<Tensor, kMaxStates> tensors;
    Tensor master;                        // f32, of a bf16 parameter
    std::uint32_t version_of_master = 0;  // the parameter's version that the master belongs to
    Tensor copy;                          // bf16, that somebody asked for
  };
  static void make_states(const Group& group, const Tensor& parameter, ParameterState& state);
  PassItem item(const Group& group, Tensor parameter, ParameterState& state, double grad_scale);

  std::vector<ParameterState> states_;
  std::vector<Tensor> rearranged_;  // gradients that had to be copied for this step
  Pass pass_;
};

/// An optimizer made of an update rule. Parameters may be f32, f64, and bf16 (then with f32 master copies, which are
/// part of the state).
template <class O>
class FusedOptimizer : public GroupedOptimizer<O> {
 public:
  using typename GroupedOptimizer<O>::Group;

  /// Has every step also write the f32 `parameter`, rounded to bf16, into `copy`, which must be bf16 and lie like it:
  /// for computing in bf16 with weights kept in f32. An undefined `copy` ends that. Throws UsageError.
  void write_bf16_copy(const Tensor& parameter, Tensor copy) {
    const std::size_t index = checked_copy(*this, parameter, copy);
    runner_.set_copy(index, std::move(copy));
  }

 protected:
  FusedOptimizer(const UpdateRule<O>& rule, const std::vector<Group>& groups)
      : GroupedOptimizer<O>(rule.name, groups, kFusedTypes), rule_(rule) {}

 private:
  void update(const StepOptions& options) final {
    runner_.step(views(), rule_.kernel, options.grad_scale, [this](std::size_t group, Progress& progress) {
      if (rule_.advance != nullptr) rule_.advance(this->options(group), progress);
    });
  }
  void save(State& state) const final { runner_.save(views(), state); }
  std::function<void()> prepare_load(StateReader& reader) final { return runner_.prepare_load(views(), reader); }

  const std::vector<PassRunner::Group>& views() const {
    views_.resize(this->group_count());
    for (std::size_t g = 0; g < views_.size(); ++g) {
      const O& o = this->options(g);
      views_[g] = {this->group_parameters(g), &o, rule_.states(o), o.maximize};
    }
    return views_;
  }

  const UpdateRule<O>& rule_;
  PassRunner runner_;
  mutable std::vector<PassRunner::Group> views_;  // kept for its memory
};

}  // namespace dagrad::optim
