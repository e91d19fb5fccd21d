#include "dagrad/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/optim/density.h"
#include "dagrad/optim/gradients.h"

namespace dagrad::optim {
namespace {

/// Hands `handle` every option as a number that it may change.
template <class Handle>
class EachOption final : public OptionVisitor {
 public:
  explicit EachOption(Handle handle) : handle_(std::move(handle)) {}
  void number(std::string_view name, double& value, const Range& range) override { handle_(name, value, range); }

 private:
  Handle handle_;
};

std::string group_prefix(std::size_t group) { return fmt::format("group{}.", group); }

void check_parameter(std::string_view optimizer, const std::string& label, const Tensor& p,
                     std::span<const DType> dtypes) {
  const auto where = [&] { return fmt::format("{}: {}", optimizer, label); };
  if (!p.requires_grad()) throw UsageError(where() + " requires no gradient (want requires_grad_())");
  if (!p.is_leaf()) throw UsageError(where() + " is the result of an op (want a leaf)");
  if (std::find(dtypes.begin(), dtypes.end(), p.dtype()) == dtypes.end()) {
    std::vector<std::string_view> names;
    for (const DType dtype : dtypes) names.push_back(name_of(dtype));
    throw DTypeError(fmt::format("{} is {} (want {})", where(), name_of(p.dtype()), fmt::join(names, " or ")));
  }
  if (!is_dense(p)) throw ShapeError(where() + " has gaps or repeats elements (want a dense tensor)");
}

}  // namespace

std::string parameter_label(std::size_t index, const Tensor& parameter) {
  const std::string name = parameter.name();
  return name.empty() ? fmt::format("parameter {} of shape {}", index, parameter.shape().str())
                      : fmt::format("parameter {} ({}) of shape {}", index, name, parameter.shape().str());
}

void Optimizer::add_parameters(const std::vector<Tensor>& parameters, std::span<const DType> dtypes) {
  if (parameters.empty()) throw UsageError(fmt::format("{}: no parameters (want at least one)", name_));
  std::vector<Tensor> all = parameters_;
  for (const Tensor& p : parameters) {
    if (!p.defined()) throw UsageError(fmt::format("{}: parameter {} is undefined (want a tensor)", name_, all.size()));
    const std::string label = parameter_label(all.size(), p);
    check_parameter(name_, label, p, dtypes);
    const auto same = std::find_if(all.begin(), all.end(), [&](const Tensor& q) { return q.is_same(p); });
    if (same != all.end())
      throw UsageError(fmt::format("{}: {} is parameter {} again (want each once)", name_, label, same - all.begin()));
    all.push_back(p);
  }
  group_begins_.push_back(parameters_.size());
  parameters_ = std::move(all);
}

void Optimizer::check_group_count(std::size_t count, std::size_t most) const {
  if (count <= most) return;
  throw UsageError(fmt::format("{}: {} groups (want {}: it looks at all parameters together)", name_, count, most));
}

std::size_t Optimizer::checked_group(std::size_t group) const {
  if (group >= group_count())
    throw UsageError(fmt::format("{}: there is no group {} (want less than {})", name_, group, group_count()));
  return group;
}

std::span<const Tensor> Optimizer::group_parameters(std::size_t group) const {
  const std::size_t begin = group_begins_[checked_group(group)];
  const std::size_t end = group + 1 < group_count() ? group_begins_[group + 1] : parameters_.size();
  return {parameters_.data() + begin, end - begin};
}

/// Tells the parameters that a step has changed who did it.
class Optimizer::Changes {
 public:
  explicit Changes(const Optimizer& optimizer) : optimizer_(optimizer) {
    for (const Tensor& p : optimizer.parameters_) versions_.push_back(p.version());
  }
  void note(Location where) const {
    for (std::size_t i = 0; i < versions_.size(); ++i) {
      const Tensor& p = optimizer_.parameters_[i];
      if (p.version() != versions_[i]) p.storage()->note_change(optimizer_.name_, where);
    }
  }

 private:
  const Optimizer& optimizer_;
  std::vector<std::uint32_t> versions_;
};

void Optimizer::step(const StepOptions& options, Location where) {
  each_replay(
      name_, [this, options, where] { step_now(options, where); }, where);
}

void Optimizer::step_now(const StepOptions& options, Location where) {
  if (std::isnan(options.grad_scale))
    throw UsageError(fmt::format("{}: grad_scale is {} (want a number)", name_, options.grad_scale));
  const NoGrad guard;
  if (error_if_nonfinite_) check_finite_gradients(name_, parameters_);
  const Changes changes(*this);
  update(options);
  changes.note(where);
}

Tensor Optimizer::step(const Closure& closure, Location where) {
  if (watched(Watch::capture) && needs_closure())
    Capture::refuse(fmt::format("{} calls the function as often as it sees fit", name_),
                    "another optimizer, or no capture");
  const NoGrad guard;
  const Changes changes(*this);
  Tensor loss = update_with(closure);
  changes.note(where);
  return loss;
}

Tensor Optimizer::update_with(const Closure& closure) {
  Tensor loss;
  {
    const GradMode on(true);
    loss = closure();
  }
  step();
  return loss;
}

void Optimizer::zero_grad(bool set_to_none) {
  each_replay("zero_grad", [this, set_to_none] {
    for (const Tensor& p : parameters_) p.zero_grad(set_to_none);
  });
}

// --- options by name ---

double Optimizer::option(std::string_view option, std::size_t group) const {
  std::optional<double> value;
  EachOption find([&](std::string_view name, double& number, const Range&) {
    if (name == option) value = number;
  });
  // Describing shows the members themselves; this visitor only reads them.
  const_cast<Optimizer*>(this)->describe_options(checked_group(group), find);
  if (!value) throw UsageError(fmt::format("{}: there is no option '{}'", name_, option));
  return *value;
}

/// Puts values in place of a group's options, in their order; returns what was there.
std::vector<double> Optimizer::exchange_options(std::size_t group, std::vector<double> values) {
  std::size_t next = 0;
  EachOption exchange([&](std::string_view, double& number, const Range&) { std::swap(number, values[next++]); });
  describe_options(group, exchange);
  return values;
}

/// Throws UsageError when a group may not have these options, of which each is in its range; changes nothing.
void Optimizer::try_options(std::size_t group, std::vector<double> values) {
  std::vector<double> before = exchange_options(group, std::move(values));
  OptionCheck check(name_);
  try {
    describe_options(group, check);
  } catch (...) {
    exchange_options(group, std::move(before));
    throw;
  }
  exchange_options(group, std::move(before));
}

void Optimizer::set_option(std::string_view option, double value, std::size_t group) {
  bool found = false;
  std::vector<double> values;
  EachOption set([&](std::string_view name, double& number, const Range& range) {
    values.push_back(name == option ? value : number);
    if (name != option) return;
    OptionCheck(name_).number(name, value, range);
    found = true;
  });
  describe_options(checked_group(group), set);
  if (!found) throw UsageError(fmt::format("{}: there is no option '{}'", name_, option));
  try_options(group, values);
  exchange_options(group, std::move(values));
}

void Optimizer::set_lr(double lr) {
  for (std::size_t group = 0; group < group_count(); ++group) set_lr(lr, group);
}

std::optional<double> Optimizer::momentum(std::size_t group) const {
  std::optional<double> value;
  EachOption find([&](std::string_view name, double& number, const Range&) {
    if (name == "momentum" || name == "betas.first") value = number;
  });
  const_cast<Optimizer*>(this)->describe_options(checked_group(group), find);
  return value;
}

void Optimizer::set_momentum(double momentum, std::size_t group) {
  std::string_view option = "momentum";
  EachOption find([&](std::string_view name, double&, const Range&) {
    if (name == "betas.first") option = name;
  });
  describe_options(checked_group(group), find);
  set_option(option, momentum, group);
}

// --- state ---

State Optimizer::state() const {
  State state;
  state.kind = name_;
  state.numbers["groups"] = static_cast<double>(group_count());
  for (std::size_t group = 0; group < group_count(); ++group) {
    const std::string prefix = group_prefix(group);
    state.numbers[prefix + "parameters"] = static_cast<double>(group_parameters(group).size());
    EachOption write([&](std::string_view name, double& number, const Range&) {
      state.numbers[prefix + std::string(name)] = number;
    });
    const_cast<Optimizer*>(this)->describe_options(group, write);
  }
  save(state);
  return state;
}

std::function<void()> Optimizer::prepare_state(const State& state) {
  StateReader reader(name_, state);
  reader.expect("groups", static_cast<double>(group_count()), "groups");
  std::vector<std::vector<double>> loaded(group_count());
  for (std::size_t group = 0; group < group_count(); ++group) {
    const std::string prefix = group_prefix(group);
    reader.expect(prefix + "parameters", static_cast<double>(group_parameters(group).size()),
                  fmt::format("parameters in group {}", group));
    EachOption read([&](std::string_view name, double&, const Range& range) {
      double value = reader.number(prefix + std::string(name));
      OptionCheck(name_).number(name, value, range);
      loaded[group].push_back(value);
    });
    describe_options(group, read);
    try_options(group, loaded[group]);
  }
  std::function<void()> commit = prepare_load(reader);
  reader.finish();
  return [this, loaded = std::move(loaded), commit = std::move(commit)] {
    for (std::size_t group = 0; group < loaded.size(); ++group) exchange_options(group, loaded[group]);
    commit();
  };
}

}  // namespace dagrad::optim
