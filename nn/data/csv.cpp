#include "dagrad/nn/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <set>
#include <unordered_set>

#include "dagrad/core/error.h"
#include "dagrad/nn/data/csv_encoding.h"
#include "dagrad/nn/data/csv_lines.h"
#include "dagrad/nn/io/input_file.h"

namespace dagrad::data {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The number that the text is; nothing when it is no number, or one that double does not hold.
std::optional<double> number_in(std::string_view text, std::errc& error) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  error = code;
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

CsvColumn make_column(std::string name, const std::vector<std::string_view>& cells,
                      const std::vector<std::int64_t>& rows_lines, const CsvLines& lines, const CsvOptions& options) {
  CsvColumn column;
  column.name = std::move(name);
  column.values.assign(cells.size(), kNaN);
  bool is_numbers = true;
  std::vector<bool> has_value(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string_view text = without_spaces(cells[i]);
    if (std::find(options.missing_words.begin(), options.missing_words.end(), text) != options.missing_words.end()) {
      column.missing.push_back(static_cast<std::int64_t>(i));
      continue;
    }
    has_value[i] = true;
    if (!is_numbers) continue;
    std::errc error{};
    const std::optional<double> number = number_in(text, error);
    if (error == std::errc::result_out_of_range || (number && !std::isfinite(*number))) {
      lines.fail(rows_lines[i],
                 fmt::format("column '{}' has '{}' (want a finite number of type double)", column.name, text));
    }
    if (number) {
      column.values[i] = *number;
    } else {
      is_numbers = false;
    }
  }
  if (is_numbers) return column;
  std::set<std::string_view> texts;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (has_value[i]) texts.insert(without_spaces(cells[i]));
  }
  column.texts.assign(texts.begin(), texts.end());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!has_value[i]) continue;
    const auto place = std::lower_bound(column.texts.begin(), column.texts.end(), without_spaces(cells[i]));
    column.values[i] = static_cast<double>(place - column.texts.begin());
  }
  return column;
}

}  // namespace

CsvTable read_csv(const std::filesystem::path& path, const CsvOptions& options) {
  const io::InputFile file(path);
  std::string text(file.size(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  CsvLines lines(text, options.separator, path.string());
  std::vector<std::string_view> fields;
  if (!lines.next(fields)) file.fail("has no line (want a table)");
  const std::size_t width = fields.size();
  std::vector<std::string> names;
  for (std::size_t c = 0; c < width; ++c)
    names.push_back(options.header ? std::string(without_spaces(fields[c])) : std::to_string(c));
  std::unordered_set<std::string> different;
  for (const std::string& name : names) {
    if (!different.insert(name).second) lines.fail(lines.line(), fmt::format("has the column '{}' twice", name));
  }
  CsvTable table;
  std::vector<std::vector<std::string_view>> columns(width);
  bool has_row = options.header ? lines.next(fields) : true;
  for (; has_row; has_row = lines.next(fields)) {
    if (fields.size() != width)
      lines.fail(lines.line(), fmt::format("has {} fields (want {}, as the first line)", fields.size(), width));
    for (std::size_t c = 0; c < width; ++c) columns[c].push_back(fields[c]);
    table.lines.push_back(lines.line());
  }
  for (std::size_t c = 0; c < width; ++c)
    table.columns.push_back(make_column(std::move(names[c]), columns[c], table.lines, lines, options));
  return table;
}

Dataset load_csv(const std::filesystem::path& file, const CsvOptions& options) {
  const CsvTable table = read_csv(file, options);
  return encode_csv(table, csv_encoding(table, options, file.string()), options, file.string());
}

}  // namespace dagrad::data
