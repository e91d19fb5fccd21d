// The name under which a module's ops are recorded. Internal.
#pragma once

#include <string>

#include "dagrad/core/grad_mode.h"
#include "dagrad/core/module_name.h"
#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// The module's name; where it has none and it matters (in anomaly mode), its description, for the lines that its ops
/// report are dagrad's own. Null otherwise.
inline const std::string* name_in_messages(const Module& module) {
  const std::string* const name = module.interned_name();
  return name == nullptr && anomaly_enabled() ? interned(module.describe()) : name;
}

}  // namespace dagrad::nn
