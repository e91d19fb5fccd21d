// dagrad train.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

int run_train(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
