// dagrad eval.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

int run_eval(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
