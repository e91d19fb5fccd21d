#include "dagrad/nn/containers.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/ops/elementwise.h"

namespace dagrad::nn {

Module& ModuleList::operator[](std::size_t i) const {
  if (i >= modules_.size()) throw UsageError(fmt::format("ModuleList: index {} (want below {})", i, modules_.size()));
  return *modules_[i];
}

void ModuleList::parts(Parts& p) {
  for (std::size_t i = 0; i < modules_.size(); ++i) p.module(std::to_string(i), *modules_[i]);
}

bool ModuleDict::contains(const std::string& name) const {
  return std::any_of(modules_.begin(), modules_.end(), [&](const auto& entry) { return entry.first == name; });
}

void ModuleDict::check_new(const std::string& name) const {
  if (name.empty() || name.find('.') != std::string::npos)
    throw UsageError(fmt::format("ModuleDict: the name '{}' (want one without dots)", name));
  if (contains(name)) throw UsageError(fmt::format("ModuleDict: the name '{}' comes twice", name));
}

Module& ModuleDict::operator[](const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& [key, module] : modules_) {
    if (key == name) return *module;
    names.push_back("'" + key + "'");
  }
  throw UsageError(fmt::format("ModuleDict: no module '{}' (want one of {})", name, fmt::join(names, ", ")));
}

void ModuleDict::parts(Parts& p) {
  for (const auto& [name, module] : modules_) p.module(name, *module);
}

Residual::Residual(AnyModule body) : Residual(std::move(body), Identity()) {}

Residual::Residual(AnyModule body, AnyModule shortcut) : body_(std::move(body)), shortcut_(std::move(shortcut)) {}

Tensor Residual::forward(const Tensor& x) {
  const Tensor through = body_(x), around = shortcut_(x);
  if (through.shape() != around.shape()) {
    throw ShapeError(fmt::format("Residual: the body gives {}, the shortcut {} (want the same shape)",
                                 through.shape().str(), around.shape().str()));
  }
  return add(through, around);
}

Functional::Functional(Function function, std::string name) : function_(std::move(function)), name_(std::move(name)) {
  if (!function_) throw UsageError(fmt::format("{}: no function (want one that can be called)", name_));
}

Functional::Functional(Tensor (*op)(const Tensor&, Location), std::string name)
    : Functional(
          op == nullptr ? Function() : [op](const Tensor& x) { return op(x, Location::current()); }, std::move(name)) {}

void Residual::parts(Parts& p) {
  p.module("body", *body_);
  if (shortcut_.as<Identity>() == nullptr) p.module("shortcut", *shortcut_);
}

}  // namespace dagrad::nn
