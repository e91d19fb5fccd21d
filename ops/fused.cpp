#include "dagrad/ops/fused.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "dagrad/core/autocast.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/rehearsal.h"
#include "dagrad/core/save_observer.h"
#include "dagrad/ops/pointwise_trace.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using pointwise::Program;

/// What a function does to tensors like some inputs, if it is nothing but elementwise kernels; else why not.
struct Traced {
  std::optional<Program> program;
  std::vector<Tensor> others;     // captured tensors: further inputs of the program
  std::vector<bool> has_history;  // each result, on inputs that require a gradient where the call's do
  std::string problem;
  bool threw = false;  // the function did
};

/// Nobody looks on while a function is traced.
class Unobserved {
 public:
  Unobserved() : before_(std::exchange(detail::save_observer, nullptr)) {}
  ~Unobserved() { detail::save_observer = before_; }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;

 private:
  SaveObserver* before_;
};

std::int64_t largest(std::span<const Tensor> tensors) {
  std::int64_t count = 0;
  for (const Tensor& t : tensors) count = std::max(count, t.numel());
  return count;
}

/// What the function does to tensors like the inputs; with `recording`, apart from which captured tensors require a
/// gradient.
Traced trace(const TensorFunction& function, std::span<const Tensor> inputs, bool recording) {
  Traced traced;
  const Unobserved unobserved;
  const Rehearsal rehearsal;
  const GradMode mode(recording);
  // Memory of their own tells them from inputs that the function captures as well.
  std::vector<Tensor> stand_ins;
  for (const Tensor& t : inputs) {
    if (t.numel() != 1 && !t.is_contiguous()) traced.problem = "an input is not contiguous";
    stand_ins.push_back(Tensor::allocate({t.shape(), t.dtype()}));
    if (recording && t.requires_grad()) stand_ins.back().requires_grad_();
  }
  pointwise::Trace trace(stand_ins, inputs[0].dtype(), largest(inputs));
  try {
    if (traced.problem.empty()) {
      const std::vector<Tensor> results = function(stand_ins);
      for (const Tensor& t : results) traced.has_history.push_back(!recording || t.requires_grad());
      traced.program = trace.finish(results);
    }
    traced.others = trace.others();
    if (traced.problem.empty()) traced.problem = trace.problem();
    if (rehearsal.missed_changes()) traced.problem = "the function changes a tensor in place that it did not make";
    if (rehearsal.missed_hooks()) traced.problem = "hooks want to see gradients";
  } catch (const std::exception& error) {
    // Perhaps only because nothing is computed.
    traced.problem = error.what();
    traced.threw = true;
  }
  if (!traced.problem.empty()) traced.program.reset();
  return traced;
}

/// Why inputs cannot go through a program, whatever the function.
std::string problem_of(std::span<const Tensor> inputs, const FusedOptions& options) {
  if (inputs.empty()) return "there are no inputs";
  for (const Tensor& t : inputs) {
    if (!t.defined()) return "an input is undefined";
  }
  const std::int64_t count = largest(inputs);
  const DType dtype = inputs[0].dtype();
  if (dtype != f32 && dtype != f64) return fmt::format("input 0 is {} (want f32 or f64)", name_of(dtype));
  if (count < std::max<std::int64_t>(options.min_elements, 2)) return fmt::format("there are only {} elements", count);
  if (watched_but_for(Watch::capture)) return "the ops are watched";
  if (autocast_enabled()) return "autocast is enabled";
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& t = inputs[i];
    if (t.dtype() != dtype) return fmt::format("input {} is {}, input 0 {}", i, name_of(t.dtype()), name_of(dtype));
    if (t.numel() != 1 && (t.numel() != count || !t.is_contiguous()))
      return fmt::format("input {}, {}, is not contiguous or has neither one element nor {}", i, t.shape().str(),
                         count);
  }
  return {};
}

/// A function, and how it runs on tensors like some inputs.
struct Call {
  TensorFunction function;
  Traced traced;
  std::vector<std::uint32_t> versions = {};  // of the captured tensors

  Call(TensorFunction f, std::span<const Tensor> inputs, bool recording)
      : function(std::move(f)), traced(trace(function, inputs, recording)) {
    for (const Tensor& other : traced.others) versions.push_back(other.version());
  }

  std::vector<Tensor> compute(std::span<const Tensor> inputs) const {
    if (!traced.program) return function(inputs);
    std::vector<Tensor> all(inputs.begin(), inputs.end());
    all.insert(all.end(), traced.others.begin(), traced.others.end());
    return pointwise::run(*traced.program, all);
  }

  void check_versions() const {
    for (std::size_t k = 0; k < versions.size(); ++k) {
      const Tensor& other = traced.others[k];
      if (other.version() == versions[k]) continue;
      throw GradientError(fmt::format(
          "fused: a tensor that the function captures, {} {}, was modified in place by {} since the forward (want the "
          "change after backward, or on a copy)",
          name_of(other.dtype()), other.shape().str(), other.storage()->last_change()));
    }
  }
};

}  // namespace

/// The outputs are the function's.
struct Fused {
  static constexpr std::string_view name = "fused";

  std::vector<Tensor> forward(Forward& ctx, std::span<const Tensor> inputs) const {
    for (const Tensor& input : inputs) ctx.save(input);
    return call->compute(inputs);
  }
  // diff_inputs = those of the function's ops, likewise in one pass
  void backward(Backward& ctx, std::span<const Tensor> diff) const;

  std::shared_ptr<const Call> call;
};

namespace {

/// The gradient of a function by some of its inputs, as a function of the inputs and of the gradients that came.
struct Gradient {
  TensorFunction function;
  std::vector<bool> needed;                    // inputs
  std::vector<bool> came;                      // gradients of outputs
  std::shared_ptr<std::vector<bool>> depends;  // whether anything does, on each needed input; the others are left out

  std::vector<Tensor> operator()(std::span<const Tensor> arguments) const {
    const auto has_history = [](const Tensor& t) { return t.requires_grad(); };
    const bool again = grad_enabled() && std::any_of(arguments.begin(), arguments.end(), has_history);
    const GradMode on(true);
    std::vector<Tensor> inputs(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(needed.size())), by;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      // A leaf of its own (the outer pass uses the others), unless the gradient is to be differentiated by it.
      if (!again || !inputs[i].requires_grad()) inputs[i] = inputs[i].detach().requires_grad_(needed[i]);
      if (needed[i]) by.push_back(inputs[i]);
    }
    const std::vector<Tensor> outputs = function(inputs);
    std::vector<Tensor> of, diff;
    std::size_t next = inputs.size();
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!came[k]) continue;
      const Tensor& given = arguments[next++];
      if (!outputs[k].requires_grad()) continue;
      of.push_back(outputs[k]);
      diff.push_back(given.shape() == outputs[k].shape() ? given : expand(given, outputs[k].shape()));
    }
    std::vector<Tensor> found(by.size());
    if (!of.empty()) found = grad(of, by, diff, {.create_graph = again, .allow_unused = true});
    depends->clear();
    for (const Tensor& t : found) depends->push_back(t.defined());
    std::erase_if(found, [](const Tensor& t) { return !t.defined(); });
    return found;
  }
};

/// The call as one recorded op; as those of the function's ops would, results that no gradient reaches require none.
std::vector<Tensor> recorded(const std::shared_ptr<const Call>& call, Location where, std::span<const Tensor> inputs) {
  std::vector<Tensor> results = apply(Fused{call}, where, inputs);
  const std::vector<bool>& has_history = call->traced.has_history;
  for (std::size_t k = 0; k < has_history.size(); ++k) {
    if (!has_history[k]) results[k] = results[k].detach();
  }
  return results;
}

/// A gradient as an argument of Gradient: one element where all are the same one.
Tensor as_argument(const Tensor& diff) {
  if (diff.is_contiguous() || diff.requires_grad()) return diff;
  return pointwise::one_element(diff) ? diff.alias({}, {}, diff.offset()) : contiguous_data(diff);
}

}  // namespace

void Fused::backward(Backward& ctx, std::span<const Tensor> diff) const {
  call->check_versions();
  Gradient gradient{call->function, {}, {}, std::make_shared<std::vector<bool>>()};
  std::vector<Tensor> arguments;
  for (std::size_t i = 0; i < ctx.input_count(); ++i) {
    arguments.push_back(ctx.saved(i));
    gradient.needed.push_back(ctx.needs(i));
  }
  for (const Tensor& d : diff) {
    gradient.came.push_back(d.defined());
    if (d.defined()) arguments.push_back(as_argument(d));
  }
  const auto made = std::make_shared<const Call>(gradient, arguments, grad_enabled());
  const std::vector<Tensor> found = grad_enabled() || watched(Watch::capture)
                                        ? recorded(made, Location::current(), arguments)
                                        : made->compute(arguments);
  std::size_t next = 0, k = 0;
  for (std::size_t i = 0; i < gradient.needed.size(); ++i) {
    if (gradient.needed[i] && (*gradient.depends)[k++]) ctx.give(i, found[next++]);
  }
}

std::vector<Tensor> detail::run_fused(const TensorFunction& function, const std::vector<Tensor>& inputs,
                                      FusedOptions options, Location where) {
  if (function.arity() != 0 && function.arity() != inputs.size()) {
    throw UsageError(
        fmt::format("fused: {} tensors for a function of {} (want as many)", inputs.size(), function.arity()));
  }
  const bool nested = pointwise::detail::trace != nullptr || detail::rehearsal != nullptr;
  std::string problem = problem_of(inputs, options);
  if (problem.empty() && !nested) {
    const auto call = std::make_shared<const Call>(function, inputs, grad_enabled());
    if (call->traced.program) return recorded(call, where, inputs);
    problem = call->traced.problem;
    if (call->traced.threw) {  // for users to see what it throws, if it throws it by itself
      std::vector<Tensor> results = function(inputs);
      if (!options.required) return results;
    }
  }
  if (options.required && !nested) throw UsageError(fmt::format("fused: the ops cannot run together: {}", problem));
  return function(inputs);
}

}  // namespace dagrad
