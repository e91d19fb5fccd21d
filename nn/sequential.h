// Sequential: modules one after the other.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "dagrad/nn/any_module.h"

namespace dagrad::nn {

/// Feeds each module's result to the next. Modules go in by value: `Sequential net(Linear(784, 128), ReLU(),
/// Linear(128, 10));` They are named by their position, so that parameters are "0.weight", "2.weight", ... Copying
/// copies the modules.
class Sequential : public Module {
 public:
  template <class... Modules>
  requires(sizeof...(Modules) > 0 && (std::is_base_of_v<Module, std::decay_t<Modules>> && ...) &&
           !(sizeof...(Modules) == 1 &&
             (std::is_same_v<std::decay_t<Modules>, Sequential> && ...))) explicit Sequential(Modules&&... modules) {
    (add(std::forward<Modules>(modules)), ...);
  }
  Sequential() = default;

  /// Appends a module; returns it as it lies in the sequence.
  template <class M>
  requires std::is_base_of_v<Module, std::decay_t<M>> std::decay_t<M>
  &add(M&& module) { return static_cast<std::decay_t<M>&>(*children_.emplace_back(std::forward<M>(module))); }

  /// The same for a module of any type.
  Module& add(AnyModule module) { return *children_.emplace_back(std::move(module)); }

  std::size_t size() const { return children_.size(); }
  /// Module `i`. Throws UsageError out of range.
  Module& operator[](std::size_t i);

  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override { return "Sequential"; }

 private:
  std::vector<AnyModule> children_;
};

}  // namespace dagrad::nn
