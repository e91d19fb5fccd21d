#include "dagrad/optim/fused.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/bf16_copy.h"
#include "dagrad/core/error.h"
#include "dagrad/optim/density.h"

namespace dagrad::optim {
namespace {

std::string key(std::size_t index, std::string_view what) { return fmt::format("{}.{}", index, what); }

/// Takes over what somebody else wrote to the parameter; leaves the lower bits of the other elements.
void refresh_master(const Tensor& parameter, Tensor& master) {
  const auto* p = parameter.data<BFloat16>();
  auto* m = master.mutable_data<float>();
  for (std::int64_t i = 0; i < parameter.numel(); ++i) {
    if (BFloat16(m[i]).bits != p[i].bits) m[i] = static_cast<float>(p[i]);
  }
}

}  // namespace

std::size_t checked_copy(const Optimizer& optimizer, const Tensor& parameter, const Tensor& copy) {
  const auto wrong = [&](const std::string& what) {
    return UsageError(fmt::format("{}: write_bf16_copy: {}", optimizer.name(), what));
  };
  const auto& all = optimizer.parameters();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Tensor& p) { return p.is_same(parameter); });
  if (found == all.end()) throw wrong("the parameter is not one of the optimizer's");
  if (parameter.dtype() != f32) throw wrong(fmt::format("the parameter is {} (want f32)", name_of(parameter.dtype())));
  if (copy.defined() && (copy.dtype() != bf16 || copy.shape() != parameter.shape() || !lies_like(copy, parameter))) {
    throw wrong(fmt::format("the copy is {} of shape {} (want bf16 of shape {}, with the parameter's strides)",
                            name_of(copy.dtype()), copy.shape().str(), parameter.shape().str()));
  }
  return static_cast<std::size_t>(found - all.begin());
}

void PassRunner::make_states(const Group& group, const Tensor& parameter, ParameterState& state) {
  const DType dtype = working_type(parameter);
  if (parameter.dtype() == bf16) {
    if (!state.master.defined()) {
      state.master = copy_like(parameter, f32, parameter);
    } else if (parameter.version() != state.version_of_master) {
      refresh_master(parameter, state.master);
    }
  }
  state.progress.fresh = false;
  for (std::size_t k = 0; k < kMaxStates; ++k) {
    if (!group.states[k].needed || state.tensors[k].defined()) continue;
    state.tensors[k] = dense_like(parameter, dtype);
    state.tensors[k].fill_(group.states[k].initial);
    state.progress.fresh = true;
  }
}

PassItem PassRunner::item(const Group& group, Tensor parameter, ParameterState& state, double grad_scale) {
  // The leaf keeps the gradient alive during the step, and the copy.
  Tensor gradient = parameter.grad();
  if (!lies_like(gradient, parameter)) {
    gradient = copy_like(parameter, gradient.dtype(), gradient);
    rearranged_.push_back(gradient);
  }
  PassItem item;
  item.count = parameter.numel();
  item.gradient = gradient.raw_data();
  for (std::size_t k = 0; k < kMaxStates; ++k) {
    if (state.tensors[k].defined()) item.states[k] = state.tensors[k].mutable_raw_data();
  }
  if (parameter.dtype() == bf16) {
    item.types = PassTypes::f32_from_bf16;
    item.parameter = state.master.mutable_raw_data();
    item.copy = parameter.mutable_data<BFloat16>();
    state.version_of_master = parameter.version();
  } else {
    item.types = parameter.dtype() == f64 ? PassTypes::f64 : PassTypes::f32;
    item.parameter = parameter.mutable_raw_data();
    if (state.copy.defined()) {
      item.copy = state.copy.mutable_data<BFloat16>();
    } else if (parameter.dtype() == f32) {
      // What autocast has kept of the parameter stays right, for two bytes more an element.
      if (Tensor copy = kept_bf16_copy(parameter); copy.defined()) {
        item.copy = copy.mutable_data<BFloat16>();
        renew_bf16_copy(parameter);
      }
    }
  }
  item.options = group.options;
  item.progress = state.progress;
  item.grad_scale = group.maximize ? -grad_scale : grad_scale;
  return item;
}

void PassRunner::step(const std::vector<Group>& groups, Pass::Kernel kernel, double grad_scale,
                      const Advance& advance) {
  std::size_t count = 0;
  for (const Group& group : groups) count += group.parameters.size();
  states_.resize(count);

  // First all that may fail for want of memory.
  std::size_t index = 0;
  for (const Group& group : groups) {
    for (const Tensor& parameter : group.parameters) {
      ParameterState& state = states_[index++];
      if (parameter.grad().defined()) make_states(group, parameter, state);
    }
  }
  pass_.clear();
  rearranged_.clear();
  index = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const Tensor& parameter : groups[g].parameters) {
      ParameterState& state = states_[index++];
      if (!parameter.grad().defined()) continue;
      ++state.progress.steps;
      advance(g, state.progress);
      pass_.add(item(groups[g], parameter, state, grad_scale));
    }
  }
  pass_.run(kernel);
  rearranged_.clear();
}

void PassRunner::set_copy(std::size_t index, Tensor copy) {
  if (states_.size() <= index) states_.resize(index + 1);
  states_[index].copy = std::move(copy);
}

void PassRunner::save(const std::vector<Group>& groups, State& state) const {
  std::size_t i = 0;
  for (const Group& group : groups) {
    for (const Tensor& parameter : group.parameters) {
      if (i >= states_.size()) return;
      const ParameterState& from = states_[i];
      if (from.progress.steps > 0) {
        std::size_t tensors = 0;
        for (std::size_t k = 0; k < kMaxStates; ++k) {
          if (!from.tensors[k].defined()) continue;
          ++tensors;
          state.tensors[key(i, group.states[k].name)] = copy_like(parameter, working_type(parameter), from.tensors[k]);
        }
        if (from.master.defined()) state.tensors[key(i, "master")] = copy_like(parameter, f32, from.master);
        state.numbers[key(i, "step")] = static_cast<double>(from.progress.steps);
        state.numbers[key(i, "product")] = from.progress.product;
        state.numbers[key(i, "tensors")] = static_cast<double>(tensors);
      }
      ++i;
    }
  }
}

std::function<void()> PassRunner::prepare_load(const std::vector<Group>& groups, StateReader& reader) {
  std::vector<ParameterState> loaded;
  for (const Group& group : groups) {
    for (const Tensor& parameter : group.parameters) {
      const std::size_t i = loaded.size();
      ParameterState& to = loaded.emplace_back();
      if (i < states_.size()) to.copy = states_[i].copy;
      if (!reader.has_number(key(i, "step"))) continue;
      to.progress.steps = reader.count(key(i, "step"));
      to.progress.product = reader.number(key(i, "product"));
      const auto take = [&](std::string_view name, DType dtype) {
        return copy_like(parameter, dtype, reader.tensor(key(i, name), parameter.shape(), dtype));
      };
      std::int64_t tensors = 0;
      for (std::size_t k = 0; k < kMaxStates; ++k) {
        const std::string_view name = group.states[k].name;
        if (name.empty() || !reader.has_tensor(key(i, name))) continue;
        to.tensors[k] = take(name, working_type(parameter));
        ++tensors;
      }
      if (const std::int64_t saved = reader.count(key(i, "tensors")); saved != tensors) {
        throw UsageError(fmt::format(
            "{}: {} of {} tensors of parameter {} are in the state (want a state saved from the same model)",
            reader.kind(), tensors, saved, i));
      }
      if (parameter.dtype() == bf16) {
        to.master = take("master", f32);
        to.version_of_master = parameter.version() - 1;  // compares the two at the next step
      }
    }
  }
  return [this, loaded = std::move(loaded)]() mutable { states_ = std::move(loaded); };
}

}  // namespace dagrad::optim
