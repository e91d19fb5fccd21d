// dagrad gradcheck.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

/// Checks the derivatives of ops against finite differences; 1 when one is wrong.
int run_gradcheck(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
