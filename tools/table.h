// Tables, for a terminal and for a page.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows = {};
};

/// Lines with the columns aligned: the first to the left, those of numbers to the right.
std::string text_of(const Table& table);

}  // namespace dagrad::tools
