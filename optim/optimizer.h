// What optimizers share.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/optim/option.h"
#include "dagrad/optim/state.h"

namespace dagrad::optim {

/// Computes the loss of the current parameters and their gradients, and returns the loss:
///
///   optimizer.step([&] { optimizer.zero_grad(); Tensor loss = f(); loss.backward(); return loss; });
using Closure = std::function<Tensor()>;

/// What a step does to the gradients while it reads them; they themselves stay as they are.
struct StepOptions {
  double grad_scale = 1;  ///< g = grad_scale * gradient: clip_coefficient() of a norm, the inverse of a loss scale
};

/// Changes parameters in place, from their gradients. Parameters without a gradient are left as they are, and so are
/// their moments and counts. Parameters come in groups, each with its own options; where a function takes no group, it
/// means all groups or, for reading, the first. Not thread-safe; a step uses the threads of the calling thread.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of every parameter that has a gradient. `where` is for the error that follows when a backward needed
  /// the parameters as they were.
  void step(const StepOptions& options = {}, Location where = Location::current());
  /// Calls `closure` with recording on and then makes a step; returns the loss. LBFGS calls it several times.
  Tensor step(const Closure& closure, Location where = Location::current());
  /// Whether step() works with a closure only, as it wants losses at other places than the present one.
  virtual bool needs_closure() const { return false; }
  /// Frees the gradients, or fills them with zeros.
  void zero_grad(bool set_to_none = true);
  /// Whether step() looks through all gradients first and throws GradientError, naming parameter and element, when one
  /// is NaN or infinite; nothing is changed then. Off at the start: it costs one more read of the gradients.
  void error_if_nonfinite(bool on) { error_if_nonfinite_ = on; }

  std::string_view name() const { return name_; }
  /// The parameters of all groups, one group after the other.
  const std::vector<Tensor>& parameters() const { return parameters_; }
  std::size_t group_count() const { return group_begins_.size(); }
  std::span<const Tensor> group_parameters(std::size_t group) const;

  double lr(std::size_t group = 0) const { return option("lr", group); }
  /// Throws UsageError when negative or not finite.
  void set_lr(double lr);
  void set_lr(double lr, std::size_t group) { set_option("lr", lr, group); }
  /// `momentum`, or the first of `betas`; nothing for an optimizer that has neither.
  std::optional<double> momentum(std::size_t group = 0) const;
  void set_momentum(double momentum, std::size_t group);

  /// An option by its name (`weight_decay`, `betas.second`, flags as 0 or 1). Throws UsageError for a name that there
  /// is not and for a value outside the option's range.
  double option(std::string_view option, std::size_t group = 0) const;
  void set_option(std::string_view option, double value, std::size_t group = 0);

  /// A copy of all that later steps depend on: options, counts and moments (not the parameters).
  State state() const;
  /// Takes over a state saved from an optimizer of the same kind over parameters of the same shapes in the same groups.
  /// Throws UsageError, before anything is changed, when it does not fit.
  void load_state(const State& state) { prepare_state(state)(); }
  /// Checks a state as load_state does, and returns what takes it over, which cannot fail: for loading several things
  /// or none.
  [[nodiscard]] std::function<void()> prepare_state(const State& state);

 protected:
  explicit Optimizer(std::string_view optimizer) : name_(optimizer) {}

  /// Appends a group. Throws, before anything is changed, UsageError for no parameters, one twice (also in another
  /// group), one that requires no gradient or is no leaf, DTypeError for a type not among `dtypes`.
  void add_parameters(const std::vector<Tensor>& parameters, std::span<const DType> dtypes);

  /// Throws UsageError when there would be too many groups.
  void check_group_count(std::size_t count, std::size_t most) const;

  virtual void update(const StepOptions& options) = 0;
  virtual Tensor update_with(const Closure& closure);
  virtual void describe_options(std::size_t group, OptionVisitor& visitor) = 0;
  virtual void save(State& state) const = 0;
  /// Reads everything that save() wrote, checks it, and returns what puts it in place and cannot fail.
  virtual std::function<void()> prepare_load(StateReader& reader) = 0;

  std::size_t checked_group(std::size_t group) const;

 private:
  class Changes;
  std::vector<double> exchange_options(std::size_t group, std::vector<double> values);
  void try_options(std::size_t group, std::vector<double> values);
  void step_now(const StepOptions& options, Location where);

  std::string_view name_;
  std::vector<Tensor> parameters_;
  std::vector<std::size_t> group_begins_;
  bool error_if_nonfinite_ = false;
};

/// `parameter 3 of shape [2, 2]`, with the parameter's name where it has one: for error messages.
std::string parameter_label(std::size_t index, const Tensor& parameter);

}  // namespace dagrad::optim
