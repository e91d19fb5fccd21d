// Tensors under names, as files hold them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::io {

/// In the order of the file or of the module; names do not repeat.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The tensor of that name; undefined when there is none.
Tensor find(const NamedTensors& tensors, const std::string& name);

/// Throws UsageError naming `function`, the tensor and what is wrong, unless all are defined and no name repeats.
void check_names(const char* function, const NamedTensors& tensors);

}  // namespace dagrad::io
