// `dagrad inspect`.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

/// Shows what a file of tensors holds; returns the exit code.
int run_inspect(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
