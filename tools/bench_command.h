// dagrad bench.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

/// Times ops of the op table.
int run_bench(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
