// `dagrad graph`.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

/// Draws the recorded graph of a model's step; returns the exit code.
int run_graph(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
