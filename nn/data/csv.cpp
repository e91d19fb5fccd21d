#include "dagrad/nn/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <set>
#include <unordered_set>

#include "dagrad/core/error.h"
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

struct Cells {
  std::vector<std::vector<std::string_view>> columns;
  std::vector<std::int64_t> lines;
};

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

/// The rows that are kept, as load_csv treats what is missing.
std::vector<std::int64_t> rows_to_keep(const CsvTable& table, std::size_t label, const CsvOptions& options,
                                       const std::string& file) {
  std::vector<bool> dropped(table.lines.size());
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const CsvColumn& column = table.columns[c];
    if (options.missing == Missing::mean && c != label) continue;
    if (options.missing == Missing::error && !column.missing.empty()) {
      throw IoError(fmt::format("{}:{}: column '{}' has no value (want one, or missing set otherwise)", file,
                                table.lines[static_cast<std::size_t>(column.missing[0])], column.name));
    }
    for (const std::int64_t row : column.missing) dropped[static_cast<std::size_t>(row)] = true;
  }
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < dropped.size(); ++i) {
    if (!dropped[i]) rows.push_back(static_cast<std::int64_t>(i));
  }
  if (rows.empty()) throw IoError(fmt::format("{}: has no row whose values are there (want at least one)", file));
  return rows;
}

double mean_of(const CsvColumn& column) {
  double sum = 0, count = 0;
  for (const double value : column.values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return sum / count;
}

std::size_t find_label(const CsvTable& table, const CsvOptions& options, const std::string& file) {
  if (options.label.empty()) return table.columns.size() - 1;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    if (table.columns[c].name == options.label) return c;
  }
  std::vector<std::string> names;
  for (const CsvColumn& column : table.columns) names.push_back(column.name);
  throw IoError(fmt::format("{}: has no column '{}' (want one of {})", file, options.label, fmt::join(names, ", ")));
}

void set_labels(Dataset& dataset, const CsvTable& table, const CsvColumn& column, std::span<const std::int64_t> rows,
                const CsvOptions& options, const std::string& file) {
  const auto count = static_cast<std::int64_t>(rows.size());
  if (options.regression) {
    if (!column.texts.empty()) {
      throw IoError(fmt::format("{}:{}: column '{}' has the text '{}' (want numbers to learn)", file, table.lines[0],
                                column.name, column.texts[0]));
    }
    dataset.labels = Tensor::allocate({{count}, f32});
    float* to = dataset.labels.mutable_data<float>();
    for (const std::int64_t row : rows) *to++ = static_cast<float>(column.values[static_cast<std::size_t>(row)]);
    return;
  }
  std::vector<double> different;
  for (const std::int64_t row : rows) different.push_back(column.values[static_cast<std::size_t>(row)]);
  std::sort(different.begin(), different.end());
  different.erase(std::unique(different.begin(), different.end()), different.end());
  dataset.classes = static_cast<std::int64_t>(different.size());
  dataset.labels = Tensor::allocate({{count}, i64});
  std::int64_t* to = dataset.labels.mutable_data<std::int64_t>();
  for (const std::int64_t row : rows) {
    const double value = column.values[static_cast<std::size_t>(row)];
    *to++ = std::lower_bound(different.begin(), different.end(), value) - different.begin();
  }
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

Dataset load_csv(const std::filesystem::path& path, const CsvOptions& options) {
  const CsvTable table = read_csv(path, options);
  const std::string file = path.string();
  const std::size_t label = find_label(table, options, file);
  const std::vector<std::int64_t> rows = rows_to_keep(table, label, options, file);
  std::int64_t width = 0;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const CsvColumn& column = table.columns[c];
    if (c == label) continue;
    const auto texts = static_cast<std::int64_t>(column.texts.size());
    if (texts > options.most_texts) {
      throw IoError(fmt::format("{}: column '{}' has {} different texts (want at most {})", file, column.name, texts,
                                options.most_texts));
    }
    if (static_cast<std::int64_t>(column.missing.size()) == table.rows())
      throw IoError(fmt::format("{}: column '{}' has no value at all", file, column.name));
    width += std::max<std::int64_t>(texts, 1);
  }
  if (width == 0) throw IoError(fmt::format("{}: has one column (want features besides the label)", file));
  Dataset dataset;
  dataset.features = Tensor::allocate({{static_cast<std::int64_t>(rows.size()), width}, f32});
  dataset.features.zero_();
  float* const to = dataset.features.mutable_data<float>();
  std::int64_t first = 0;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const CsvColumn& column = table.columns[c];
    if (c == label) continue;
    const double mean = mean_of(column);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float* const row = to + static_cast<std::int64_t>(i) * width + first;
      const double value = column.values[static_cast<std::size_t>(rows[i])];
      if (column.texts.empty()) {
        *row = static_cast<float>(std::isnan(value) ? mean : value);
      } else if (!std::isnan(value)) {
        row[static_cast<std::size_t>(value)] = 1;  // a text that is missing stays 0 everywhere
      }
    }
    first += std::max<std::int64_t>(static_cast<std::int64_t>(column.texts.size()), 1);
  }
  set_labels(dataset, table, table.columns[label], rows, options, file);
  return dataset;
}

}  // namespace dagrad::data
