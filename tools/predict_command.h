// dagrad predict.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

int run_predict(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
