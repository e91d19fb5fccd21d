#include "dagrad/nn/module.h"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dagrad/core/capture/model_stamp.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/module_name.h"
#include "dagrad/nn/class_name.h"
#include "dagrad/nn/failing_module.h"

namespace dagrad::nn {
namespace {

thread_local ForwardObserver::See* observer = nullptr;

/// Walks a module and all inside, with dotted names.
class Walk final : public Parts {
 public:
  using SeeTensor = std::function<void(const std::string& name, Tensor&, bool is_parameter)>;
  using SeeModule = std::function<void(const std::string& name, Module&)>;
  using SeeGenerator = std::function<void(const std::string& name, Generator&)>;
  Walk(SeeTensor tensor, SeeModule module, SeeGenerator generator = nullptr)
      : see_tensor_(std::move(tensor)), see_module_(std::move(module)), see_generator_(std::move(generator)) {}

  void run(Module& root) {
    if (see_module_) see_module_("", root);
    root.parts(*this);
  }
  void parameter(const std::string& name, Tensor& tensor) override {
    if (see_tensor_ && tensor.defined()) see_tensor_(prefix_ + name, tensor, true);
  }
  void buffer(const std::string& name, Tensor& tensor) override {
    if (see_tensor_ && tensor.defined()) see_tensor_(prefix_ + name, tensor, false);
  }
  void module(const std::string& name, Module& module) override {
    const std::string before = prefix_;
    if (see_module_) see_module_(prefix_ + name, module);
    prefix_ += name + ".";
    module.parts(*this);
    prefix_ = before;
  }
  void generator(const std::string& name, Generator& generator) override {
    if (see_generator_) see_generator_(prefix_ + name, generator);
  }

 private:
  SeeTensor see_tensor_;
  SeeModule see_module_;
  SeeGenerator see_generator_;
  std::string prefix_;
};

// parts() hands out references that may be written to, so it is not const; a walk that only reads is.
Module& listing(const Module& module) { return const_cast<Module&>(module); }

std::vector<Module::Named> named_tensors(const Module& module, bool parameters) {
  std::vector<Module::Named> result;
  const auto known = [&](const Tensor& t) {
    return std::any_of(result.begin(), result.end(), [&](const auto& entry) { return entry.second.is_same(t); });
  };
  Walk(
      [&](const std::string& name, Tensor& t, bool is_parameter) {
        if (is_parameter == parameters && !known(t)) result.emplace_back(name, t);
      },
      nullptr)
      .run(listing(module));
  return result;
}

/// The children alone.
struct Children final : Parts {
  std::vector<std::pair<std::string, Module*>> list;
  void parameter(const std::string&, Tensor&) override {}
  void buffer(const std::string&, Tensor&) override {}
  void module(const std::string& name, Module& module) override { list.emplace_back(name, &module); }
};

void print(std::string& out, Module& module, const std::string& indent) {
  Children children;
  module.parts(children);
  if (children.list.empty()) {
    out += module.describe();
    return;
  }
  out += module.describe() + "(\n";
  for (const auto& [name, child] : children.list) {
    out += fmt::format("{}  ({}): ", indent, name);
    print(out, *child, indent + "  ");
    out += "\n";
  }
  out += indent + ")";
}

}  // namespace

Tensor Module::forward(const Tensor&) {
  throw UsageError(fmt::format("{}: forward(x) is not defined (want a module that overrides it)", describe()));
}

std::string Module::describe() const { return class_name(typeid(*this)); }

Tensor Module::operator()(const Tensor& x) {
  Tensor result = run_as(*this, [&] { return forward(x); });
  if (observer != nullptr) (*observer)(*this, x, result);
  return result;
}

std::vector<Module::Named> Module::named_parameters() const { return named_tensors(*this, true); }
std::vector<Module::Named> Module::named_buffers() const { return named_tensors(*this, false); }

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> result;
  for (auto& [name, tensor] : named_parameters()) result.push_back(std::move(tensor));
  return result;
}

std::vector<std::pair<std::string, Module*>> Module::named_modules() {
  std::vector<std::pair<std::string, Module*>> result;
  Walk(nullptr, [&](const std::string& name, Module& module) {
    const auto same = [&](const auto& entry) { return entry.second == &module; };
    if (std::none_of(result.begin(), result.end(), same)) result.emplace_back(name, &module);
  }).run(*this);
  return result;
}

std::vector<std::pair<std::string, Generator*>> Module::named_generators() {
  std::vector<std::pair<std::string, Generator*>> result;
  Walk(nullptr, nullptr, [&](const std::string& name, Generator& generator) {
    const auto same = [&](const auto& entry) { return entry.second == &generator; };
    if (std::none_of(result.begin(), result.end(), same)) result.emplace_back(name, &generator);
  }).run(*this);
  return result;
}

void Module::apply(const std::function<void(Module&)>& visit) {
  auto modules = named_modules();
  for (auto entry = modules.rbegin(); entry != modules.rend(); ++entry) visit(*entry->second);
}

void Module::train(bool on) {
  for (const auto& [name, module] : named_modules()) {
    if (std::exchange(module->training_, on) != on) note_mode_switch(module);
  }
}

void Module::zero_grad(bool set_to_none) {
  for (const Tensor& p : parameters()) p.zero_grad(set_to_none);
}

void Module::requires_grad_(bool on) {
  for (Tensor p : parameters()) {
    if (p.requires_grad() != on) note_model_change();
    p.requires_grad_(on);
  }
}

namespace {

/// Puts `replace(t)` in place of each tensor; what was shared stays shared.
template <class Replace>
void replace_tensors(Module& module, const Replace& replace) {
  const NoGrad guard;
  note_model_change();
  std::vector<std::pair<Tensor, Tensor>> done;  // old, new
  Walk(
      [&](const std::string&, Tensor& t, bool) {
        const auto known =
            std::find_if(done.begin(), done.end(), [&](const auto& entry) { return entry.first.is_same(t); });
        if (known != done.end()) {
          t = known->second;
          return;
        }
        Tensor fresh = replace(t);
        if (t.requires_grad()) fresh.requires_grad_().set_name(t.name());
        done.emplace_back(t, fresh);
        t = fresh;
      },
      nullptr)
      .run(module);
}

Tensor copy_as(const Tensor& t, DType dtype) {
  Tensor copy = empty(t.shape(), dtype);
  return copy.copy_(t);
}

}  // namespace

void Module::to(DType dtype) {
  if (!is_floating(dtype)) throw DTypeError(fmt::format("Module::to: {} (want f32, bf16 or f64)", name_of(dtype)));
  replace_tensors(*this, [dtype](const Tensor& t) { return copy_as(t, is_floating(t.dtype()) ? dtype : t.dtype()); });
}

void separate(Module& module) {
  replace_tensors(module, [](const Tensor& t) { return copy_as(t, t.dtype()); });
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const Tensor& p : parameters()) count += p.numel();
  return count;
}

void Module::name_parameters() {
  for (auto& [name, p] : named_parameters()) {
    if (p.requires_grad()) p.set_name(name);
  }
  for (auto& [name, module] : named_modules()) module->name_ = name.empty() ? nullptr : interned(name);
}

std::string to_string(const Module& module) {
  std::string out;
  print(out, listing(module), "");
  return out;
}

std::ostream& operator<<(std::ostream& out, const Module& module) { return out << to_string(module); }

ForwardObserver::ForwardObserver(See see) : see_(std::move(see)), before_(observer) { observer = &see_; }
ForwardObserver::~ForwardObserver() { observer = before_; }
bool ForwardObserver::watching() { return observer != nullptr; }

Tensor parameter(Tensor t) { return t.requires_grad_(); }

}  // namespace dagrad::nn
