// Module: parameters, buffers and other modules under names.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"

namespace dagrad::nn {

class Module;

/// What a module tells of itself, part by part; see Module::parts.
class Parts {
 public:
  virtual ~Parts() = default;
  /// A tensor that is trained (an undefined one, like a missing bias, is passed over).
  virtual void parameter(const std::string& name, Tensor& tensor) = 0;
  /// A tensor that is saved but not trained.
  virtual void buffer(const std::string& name, Tensor& tensor) = 0;
  virtual void module(const std::string& name, Module& module) = 0;
  /// Where the module's own chance comes from (dropout's masks): no part of its state_dict, but what a run depends on
  /// that goes on later.
  virtual void generator(const std::string&, Generator&) {}
};

/// A function with parameters. Derive from it, keep tensors and modules as plain members, and list them once:
///
///   struct Net : nn::Module {
///     nn::Linear first{784, 128}, second{128, 10};
///     void parts(nn::Parts& p) override { p.module("first", first); p.module("second", second); }
///     Tensor forward(const Tensor& x) override { return second(relu(first(x))); }
///   };
///
/// Nothing is registered behind the scenes: every question (parameters, names, training mode, conversion) walks that
/// list. Copying a module copies handles, so the copy shares its parameters; deep_copy() makes separate ones. The same
/// tensor or module may be listed in two places: then it is shared, and named by the first.
class Module {
 public:
  Module() = default;
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  virtual ~Module() = default;

  /// The result for `x`. Throws UsageError where a module does not define it (one with several inputs, say).
  virtual Tensor forward(const Tensor& x);
  /// Lists the parts, always in the same order.
  virtual void parts(Parts&) {}
  /// One line for printing, like `Linear(784, 128)`; unless overridden, the name of the class.
  virtual std::string describe() const;

  /// forward(), seen by the observer of the thread, if there is one (see ForwardObserver).
  Tensor operator()(const Tensor& x);

  using Named = std::pair<std::string, Tensor>;
  /// All parameters of this and the modules inside, each once, under dotted names like "first.weight".
  std::vector<Named> named_parameters() const;
  std::vector<Tensor> parameters() const;
  std::vector<Named> named_buffers() const;
  /// The generators of this and the modules inside, each once.
  std::vector<std::pair<std::string, Generator*>> named_generators();
  /// This module (under the name "") and those inside, in the order of the lists.
  std::vector<std::pair<std::string, Module*>> named_modules();
  /// Calls `visit` for each of them, the outer ones last.
  void apply(const std::function<void(Module&)>& visit);

  /// Sets the mode of this and all inside: dropout and the like act only in training.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const { return training_; }

  /// Clears every parameter's gradient.
  void zero_grad(bool set_to_none = true);
  /// Freezes the parameters (false) or thaws them.
  void requires_grad_(bool on = true);
  /// Converts every floating parameter and buffer, in place of the old ones: make optimizers afterwards.
  void to(DType dtype);
  /// How many numbers the parameters hold.
  std::int64_t parameter_count() const;
  /// Gives each parameter, and each module inside, its dotted name, for messages and drawings.
  void name_parameters();
  /// The name that name_parameters() gave to this module; null without one.
  const std::string* interned_name() const { return name_; }

 private:
  bool training_ = true;
  const std::string* name_ = nullptr;  // interned
};

/// `Net(\n  (first): Linear(784, 128)\n  ...)`, as PyTorch prints it.
std::ostream& operator<<(std::ostream& out, const Module& module);
std::string to_string(const Module& module);

/// For a scope, `see(module, x, result)` is called after every forward of the calling thread.
class ForwardObserver {
 public:
  using See = std::function<void(Module&, const Tensor& x, const Tensor& result)>;
  explicit ForwardObserver(See see);
  ~ForwardObserver();
  /// Whether the calling thread has one.
  static bool watching();
  ForwardObserver(const ForwardObserver&) = delete;
  ForwardObserver& operator=(const ForwardObserver&) = delete;

 private:
  See see_;
  See* before_;
};

/// Replaces every tensor of `module` by a copy of its own; tensors that were shared inside stay shared with each other.
void separate(Module& module);

/// A copy that shares nothing with `module`.
template <class M>
M deep_copy(const M& module) {
  M copy = module;
  separate(copy);
  return copy;
}

/// Calls `visit(M&)` for `module` and each module inside that is an M:
/// `apply_to<Linear>(net, [](Linear& layer) { init::orthogonal_(layer.weight); });`
template <class M, class Visit>
void apply_to(Module& module, const Visit& visit) {
  module.apply([&](Module& part) {
    if (auto* const match = dynamic_cast<M*>(&part)) visit(*match);
  });
}

/// A parameter: `t`, requiring a gradient.
Tensor parameter(Tensor t);

}  // namespace dagrad::nn
