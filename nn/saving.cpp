#include "dagrad/nn/saving.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <unordered_map>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/io/npy.h"
#include "dagrad/nn/io/npz.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

namespace fs = std::filesystem;

/// A tensor of the module with all of its names, the first of which it is saved under.
struct Slot {
  Tensor tensor;
  std::vector<std::string> names;
};

class Slots final : public Parts {
 public:
  std::vector<Slot> list;

  void parameter(const std::string& name, Tensor& tensor) override { add(name, tensor); }
  void buffer(const std::string& name, Tensor& tensor) override { add(name, tensor); }
  void module(const std::string& name, Module& module) override {
    const std::string before = prefix_;
    prefix_ += name + ".";
    module.parts(*this);
    prefix_ = before;
  }

 private:
  void add(const std::string& name, const Tensor& tensor) {
    if (!tensor.defined()) return;
    const auto known =
        std::find_if(list.begin(), list.end(), [&](const Slot& slot) { return slot.tensor.is_same(tensor); });
    if (known == list.end()) {
      list.push_back({tensor, {prefix_ + name}});
    } else {
      known->names.push_back(prefix_ + name);
    }
  }
  std::string prefix_;
};

// parts() hands out references that may be written to, so it is not const.
std::vector<Slot> slots_of(const Module& module) {
  Slots slots;
  const_cast<Module&>(module).parts(slots);
  return std::move(slots.list);
}

bool equal_elements(const Tensor& a_in, const Tensor& b_in) {
  const Tensor a = contiguous_data(a_in), b = contiguous_data(b_in);
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw_data(), b.raw_data(), a.bytes()) == 0;
}

/// Why `source` cannot be copied into `target`; empty when it can.
std::string misfit(const Tensor& target, const Tensor& source, bool convert) {
  if (source.shape() != target.shape())
    return fmt::format("shape {} (want {})", source.shape().str(), target.shape().str());
  if (source.dtype() == target.dtype()) return {};
  if (convert && is_floating(source.dtype()) && is_floating(target.dtype())) return {};
  return fmt::format("element type {} (want {})", name_of(source.dtype()), name_of(target.dtype()));
}

/// What to copy where, and everything that stands against it.
struct Plan {
  std::vector<std::pair<Tensor, Tensor>> copies;  // to, from
  std::vector<std::string> misfits;
  LoadReport report;
};

Plan make_plan(const std::vector<Slot>& slots, const io::NamedTensors& tensors, const LoadOptions& options) {
  Plan plan;
  std::unordered_map<std::string, Tensor> given(tensors.begin(), tensors.end());
  for (const Slot& slot : slots) {
    Tensor source;
    for (const std::string& name : slot.names) {
      const auto found = given.find(name);
      if (found == given.end()) continue;
      const Tensor candidate = found->second;
      given.erase(found);
      if (const std::string why = misfit(slot.tensor, candidate, options.convert); !why.empty()) {
        plan.misfits.push_back(fmt::format("'{}' has {}", name, why));
      } else if (source.defined() && !equal_elements(source, candidate)) {
        plan.misfits.push_back(
            fmt::format("'{}' differs from '{}', which is the same tensor here", name, slot.names.front()));
      }
      source = candidate;
    }
    if (source.defined()) {
      plan.copies.emplace_back(slot.tensor, source);
    } else {
      plan.report.missing.push_back(slot.names.front());
    }
  }
  for (const auto& [name, tensor] : tensors) {
    if (given.contains(name)) plan.report.unexpected.push_back(name);
  }
  return plan;
}

std::string list_misfits(const Plan& plan, bool strict) {
  std::string out;
  if (strict) {
    for (const std::string& name : plan.report.missing) out += fmt::format("\n  '{}' is missing", name);
    for (const std::string& name : plan.report.unexpected)
      out += fmt::format("\n  '{}' has no place in the module", name);
  }
  for (const std::string& misfit : plan.misfits) out += "\n  " + misfit;
  return out;
}

Plan checked_plan(const Module& module, const io::NamedTensors& tensors, const LoadOptions& options) {
  io::check_names("load_state", tensors);
  Plan plan = make_plan(slots_of(module), tensors, options);
  if (const std::string misfits = list_misfits(plan, options.strict); !misfits.empty())
    throw UsageError(fmt::format("load_state: the tensors do not fit {}:{}", module.describe(), misfits));
  return plan;
}

void carry_out(Plan& plan) {
  const NoGrad guard;
  for (auto& [to, from] : plan.copies) to.copy_(from);
}

[[noreturn]] void throw_unknown(const fs::path& file, const char* wanted) {
  throw UsageError(fmt::format("{}: the format is not known by the name (want {})", file.string(), wanted));
}

}  // namespace

io::NamedTensors state(const Module& module) {
  io::NamedTensors result;
  for (Slot& slot : slots_of(module)) result.emplace_back(std::move(slot.names.front()), std::move(slot.tensor));
  return result;
}

io::NamedTensors copy_state(const Module& module) {
  const NoGrad guard;
  io::NamedTensors result = state(module);
  for (auto& [name, tensor] : result) tensor = clone(tensor);
  return result;
}

LoadReport load_state(Module& module, const io::NamedTensors& tensors, const LoadOptions& options) {
  Plan plan = checked_plan(module, tensors, options);
  carry_out(plan);
  return std::move(plan.report);
}

std::function<void()> prepare_state(Module& module, const io::NamedTensors& tensors) {
  return [plan = checked_plan(module, tensors, {})]() mutable { carry_out(plan); };
}

void save(const Module& module, const fs::path& file, const io::Metadata& metadata) {
  if (file.extension() == ".safetensors") return io::save_safetensors(state(module), file, metadata);
  if (file.extension() != ".npz") throw_unknown(file, ".safetensors or .npz");
  if (!metadata.empty()) throw UsageError(fmt::format("{}: .npz has no metadata (want .safetensors)", file.string()));
  io::save_npz(state(module), file);
}

LoadReport load(Module& module, const fs::path& file, const LoadOptions& options) {
  const io::NamedTensors tensors = load_tensors(file);
  try {
    return load_state(module, tensors, options);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("{}: {}", file.string(), error.what()));
  }
}

io::NamedTensors load_tensors(const fs::path& file) {
  if (file.extension() == ".safetensors") return io::load_safetensors(file).tensors;
  if (file.extension() == ".npz") return io::load_npz(file);
  if (file.extension() == ".npy") return {{file.stem().string(), io::load_npy(file)}};
  throw_unknown(file, ".safetensors, .npz or .npy");
}

}  // namespace dagrad::nn
