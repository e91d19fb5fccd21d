#include "dagrad/nn/io/named_tensors.h"

#include <fmt/format.h>
#include <string_view>
#include <unordered_set>

#include "dagrad/core/error.h"

namespace dagrad::io {

Tensor find(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return tensor;
  }
  return {};
}

void check_names(const char* function, const NamedTensors& tensors) {
  std::unordered_set<std::string_view> seen;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) throw UsageError(fmt::format("{}: tensor '{}' is undefined", function, name));
    if (!seen.insert(name).second) throw UsageError(fmt::format("{}: the name '{}' comes twice", function, name));
  }
}

}  // namespace dagrad::io
