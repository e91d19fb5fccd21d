// Sequential: modules one after the other.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "dagrad/nn/any_module.h"
#include "dagrad/nn/fusion.h"

namespace dagrad::nn {

/// Feeds each module's result to the next. Modules go in by value: `Sequential net(Linear(784, 128), ReLU(),
/// Linear(128, 10));` They are named by their position, so that parameters are "0.weight", "2.weight", ... Copying
/// copies the modules.
///
/// Neighbours that one op can do are computed together: Linear with ReLU, Tanh, Sigmoid or GELU behind it, batch norm
/// with ReLU, ReLU with the max pooling behind it; and in evaluation mode, where no gradients are recorded, Linear or a
/// convolution with the batch norm behind it, as one layer with folded weights (see fold_batch_norm), which are made
/// again when a parameter changes.
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
  &add(M&& module) { return static_cast<std::decay_t<M>&>(add(AnyModule(std::forward<M>(module)))); }

  /// The same for a module of any type.
  Module& add(AnyModule module);

  std::size_t size() const { return children_.size(); }
  /// Module `i`. Throws UsageError out of range.
  Module& operator[](std::size_t i);

  Tensor forward(const Tensor& x) override;
  void parts(Parts& p) override;
  std::string describe() const override { return "Sequential"; }

 private:
  /// Module `i` together with those behind it that can be fused; `count` of them.
  Tensor fused(std::size_t i, const Tensor& x, std::size_t& count);
  /// Puts folded tensors in place of those of layer `i`, where the batch norm behind it allows.
  bool fold(std::size_t i, Tensor& weight, Tensor& bias);

  std::vector<AnyModule> children_;
  std::vector<detail::Role> roles_;  // of each
  detail::FoldCache folds_;
};

}  // namespace dagrad::nn
