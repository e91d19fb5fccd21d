// A module of any type as a value.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// Holds a module of any type; copying it copies the module as the type it has (whose copy shares its parameters with
/// it, see Module). Containers of modules are made of these.
class AnyModule {
 public:
  template <class M>
  requires std::is_base_of_v<Module, std::decay_t<M>>
  // Any module is one, and an AnyModule is none, so the copy constructor stays reachable.
  // NOLINTNEXTLINE(google-explicit-constructor, bugprone-forwarding-reference-overload)
  AnyModule(M&& module)
      : module_(std::make_unique<std::decay_t<M>>(std::forward<M>(module))),
        copy_([](const Module& m) -> std::unique_ptr<Module> {
          return std::make_unique<std::decay_t<M>>(static_cast<const std::decay_t<M>&>(m));
        }) {}
  AnyModule(const AnyModule& other) : module_(other.copy_(*other.module_)), copy_(other.copy_) {}
  AnyModule& operator=(const AnyModule& other) { return *this = AnyModule(other); }
  AnyModule(AnyModule&&) = default;
  AnyModule& operator=(AnyModule&&) = default;
  ~AnyModule() = default;

  Module& operator*() const { return *module_; }
  Module* operator->() const { return module_.get(); }
  Tensor operator()(const Tensor& x) const { return (*module_)(x); }
  /// The module as an M; null when it is of another type.
  template <class M>
  M* as() const {
    return dynamic_cast<M*>(module_.get());
  }

 private:
  std::unique_ptr<Module> module_;
  std::unique_ptr<Module> (*copy_)(const Module&);
};

}  // namespace dagrad::nn
