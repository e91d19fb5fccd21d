// dagrad lab.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

/// Runs the experiments that show what the theory says.
int run_lab(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
