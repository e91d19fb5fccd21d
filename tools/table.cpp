#include "tools/table.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace dagrad::tools {
namespace {

/// How many characters a terminal shows for UTF-8 text.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

bool starts_as_number(const std::string& text) {
  return !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) != 0 || text[0] == '-' || text[0] == '+' ||
                           text == "nan" || text == "inf");
}

}  // namespace

std::vector<bool> columns_of_numbers(const Table& table) {
  std::vector<bool> numbers;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    numbers.push_back(c > 0 && std::all_of(table.rows.begin(), table.rows.end(), [c](const auto& row) {
                        return row[c].empty() || starts_as_number(row[c]);
                      }));
  }
  return numbers;
}

std::string text_of(const Table& table) {
  const std::vector<bool> numbers = columns_of_numbers(table);
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    widths.push_back(width_of(table.columns[c]));
    for (const auto& row : table.rows) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string pad(widths[c] - width_of(cells[c]), ' ');
      text += (c > 0 ? "  " : "") + (numbers[c] ? pad + cells[c] : cells[c] + pad);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::string result = line(table.columns);
  for (const auto& row : table.rows) result += line(row);
  return result;
}

}  // namespace dagrad::tools
