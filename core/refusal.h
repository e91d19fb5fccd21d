// Nodes that refuse to be differentiated. Internal.
#pragma once

#include <string>
#include <vector>

#include "dagrad/core/node.h"

namespace dagrad {

/// `t` with a history that leads to `edges` and throws GradientError(message) when a backward pass comes along it.
Tensor refused(const Tensor& t, const std::vector<Edge>& edges, std::string message);

}  // namespace dagrad
