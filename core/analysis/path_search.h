// The two halves of explain_grad(): the recorded graph, and what was not recorded. Internal.
#pragma once

#include "dagrad/core/analysis/explain_grad.h"
#include "dagrad/core/node.h"

namespace dagrad {

/// Follows the gradient through the recorded graph, which connects the two.
Explanation follow_gradient(const Tensor& output, const Tensor& input, const Tensor& cotangent);

/// Looks for what keeps the recorded graph from connecting the two.
Explanation find_missing_path(const Tensor& output, const Tensor& input);

/// Like `'relu' at model.cpp:12`.
std::string place_of(std::string_view op, Location where);
std::string place_of(const Node& node);

inline constexpr const char* kFlows = "color=\"#2e8b57\", fontcolor=\"#2e8b57\"";
inline constexpr const char* kCut = "color=\"#c0392b\", fontcolor=\"#c0392b\", penwidth=2, style=dashed";

}  // namespace dagrad
