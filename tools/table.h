// Tables, for a terminal and for a page.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows = {};
};

/// Which columns are of numbers, and so stand to the right: not the first, and where every cell that holds anything
/// begins as a number does.
std::vector<bool> columns_of_numbers(const Table& table);

/// Lines with the columns aligned: the first to the left, those of numbers to the right.
std::string text_of(const Table& table);

}  // namespace dagrad::tools
