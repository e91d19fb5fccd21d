// Modules that hold other modules.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/nn/any_module.h"

namespace dagrad::nn {

/// Modules under "0", "1", ..., for a forward that uses them as it likes. Copying copies the modules.
class ModuleList : public Module {
 public:
  ModuleList() = default;
  explicit ModuleList(std::vector<AnyModule> modules) : modules_(std::move(modules)) {}

  /// Appends a module; returns it as it lies in the list.
  template <class M>
  requires std::is_base_of_v<Module, std::decay_t<M>> std::decay_t<M>
  &add(M&& module) { return static_cast<std::decay_t<M>&>(*modules_.emplace_back(std::forward<M>(module))); }
  std::size_t size() const { return modules_.size(); }
  /// Module `i`. Throws UsageError out of range.
  Module& operator[](std::size_t i) const;
  auto begin() const { return modules_.begin(); }
  auto end() const { return modules_.end(); }

  void parts(Parts& p) override;
  std::string describe() const override { return "ModuleList"; }

 private:
  std::vector<AnyModule> modules_;
};

/// Modules under names of their own, in the order in which they were added.
class ModuleDict : public Module {
 public:
  /// Adds a module; returns it as it lies in the dictionary. Throws UsageError for a name that is taken, empty, or
  /// holds a dot.
  template <class M>
  requires std::is_base_of_v<Module, std::decay_t<M>> std::decay_t<M>
  &add(const std::string& name, M&& module) {
    check_new(name);
    return static_cast<std::decay_t<M>&>(*modules_.emplace_back(name, std::forward<M>(module)).second);
  }
  std::size_t size() const { return modules_.size(); }
  bool contains(const std::string& name) const;
  /// Throws UsageError, with the names there are, for one that is not there.
  Module& operator[](const std::string& name) const;
  auto begin() const { return modules_.begin(); }
  auto end() const { return modules_.end(); }

  void parts(Parts& p) override;
  std::string describe() const override { return "ModuleDict"; }

 private:
  void check_new(const std::string& name) const;
  std::vector<std::pair<std::string, AnyModule>> modules_;
};

/// body(x) + shortcut(x), where the shortcut is x itself unless one is given (He et al. 2015).
class Residual : public Module {
 public:
  explicit Residual(AnyModule body);
  Residual(AnyModule body, AnyModule shortcut);
  /// Throws ShapeError when the two have different shapes (they are not broadcast).
  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override { return "Residual"; }

 private:
  AnyModule body_, shortcut_;
};

/// A function as a module, for where a module is wanted: `Functional(relu)`, or
/// `Functional([](const Tensor& x) { return transpose(x, 1, 2); })`. Modules that the function refers to are not among
/// its parts: they are neither trained nor saved with it.
class Functional : public Module {
 public:
  using Function = std::function<Tensor(const Tensor&)>;
  /// Throws UsageError for an empty function.
  explicit Functional(Function function, std::string name = "Functional");
  /// An op without options.
  explicit Functional(Tensor (*op)(const Tensor&, Location), std::string name = "Functional");
  Tensor forward(const Tensor& x) override { return function_(x); }
  std::string describe() const override { return name_; }

 private:
  Function function_;
  std::string name_;
};

/// x as it is.
class Identity : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x; }
  std::string describe() const override { return "Identity"; }
};

}  // namespace dagrad::nn
