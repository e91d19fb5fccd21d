#include "dagrad/nn/data/csv_encoding.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <optional>

#include "dagrad/core/error.h"

namespace dagrad::data {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

std::size_t place_of(const CsvTable& table, const std::string& name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&name](const CsvColumn& column) { return column.name == name; });
  return found == table.columns.end() ? kNone : static_cast<std::size_t>(found - table.columns.begin());
}

std::string names_of(const CsvTable& table) {
  std::vector<std::string> names;
  for (const CsvColumn& column : table.columns) names.push_back(column.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The column that an option names.
std::size_t chosen_column(const CsvTable& table, const std::string& name, const std::string& file) {
  const std::size_t place = place_of(table, name);
  if (place == kNone)
    throw IoError(fmt::format("{}: has no column '{}' (want one of {})", file, name, names_of(table)));
  return place;
}

/// The column that an encoding has to find.
std::size_t needed_column(const CsvTable& table, const std::string& name, const std::string& file) {
  const std::size_t place = place_of(table, name);
  if (place == kNone) {
    throw IoError(fmt::format("{}: has the columns {} (want '{}' as well, like the table that was trained on)", file,
                              names_of(table), name));
  }
  return place;
}

[[noreturn]] void fail_at(const CsvTable& table, std::int64_t row, const std::string& file, const std::string& what) {
  throw IoError(fmt::format("{}:{}: {}", file, table.lines[static_cast<std::size_t>(row)], what));
}

/// The rows of a table that are kept, whose label (if any) is in the column `label`.
std::vector<std::int64_t> rows_to_keep(const CsvTable& table, const std::vector<std::size_t>& columns,
                                       std::size_t label, const CsvOptions& options, const std::string& file) {
  std::vector<bool> dropped(table.lines.size());
  for (const std::size_t c : columns) {
    const CsvColumn& column = table.columns[c];
    if (options.missing == Missing::mean && c != label) continue;
    if (options.missing == Missing::error && !column.missing.empty()) {
      fail_at(table, column.missing[0], file,
              fmt::format("column '{}' has no value (want one; the option missing can drop the row or take the mean)",
                          column.name));
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

std::vector<std::size_t> all_columns(const CsvTable& table) {
  std::vector<std::size_t> columns;
  for (std::size_t c = 0; c < table.columns.size(); ++c) columns.push_back(c);
  return columns;
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

/// A value of a column as text: a number in its shortest form.
std::string text_at(const CsvColumn& column, std::int64_t row) {
  const double value = column.values[static_cast<std::size_t>(row)];
  return column.texts.empty() ? fmt::format("{}", value) : column.texts[static_cast<std::size_t>(value)];
}

std::vector<std::string> classes_of(const CsvColumn& column, const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> sorted = rows;
  const auto value = [&](std::int64_t row) { return column.values[static_cast<std::size_t>(row)]; };
  std::sort(sorted.begin(), sorted.end(), [&](std::int64_t a, std::int64_t b) { return value(a) < value(b); });
  std::vector<std::string> classes;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i == 0 || value(sorted[i]) != value(sorted[i - 1])) classes.push_back(text_at(column, sorted[i]));
  }
  return classes;
}

/// For each of the encoding's features, its column.
std::vector<std::size_t> feature_columns(const CsvTable& table, const CsvEncoding& encoding, const CsvOptions& options,
                                         const std::string& file) {
  if (!options.header && table.columns.size() == encoding.features.size()) return all_columns(table);
  std::vector<std::size_t> columns;
  for (const CsvEncoding::Feature& feature : encoding.features)
    columns.push_back(needed_column(table, feature.name, file));
  return columns;
}

/// Where the texts of a column stand among `known`.
std::vector<std::size_t> places_of(const CsvTable& table, const CsvColumn& column,
                                   const std::vector<std::string>& known, const std::vector<std::int64_t>& rows,
                                   const std::string& file) {
  std::vector<std::size_t> places;
  for (const std::int64_t row : rows) {
    if (std::isnan(column.values[static_cast<std::size_t>(row)])) {
      places.push_back(kNone);
      continue;
    }
    const std::string text = text_at(column, row);
    const auto place = std::find(known.begin(), known.end(), text);
    if (place == known.end()) {
      fail_at(table, row, file,
              fmt::format("column '{}' has '{}' (want one of {})", column.name, text, fmt::join(known, ", ")));
    }
    places.push_back(static_cast<std::size_t>(place - known.begin()));
  }
  return places;
}

Tensor encoded(const CsvTable& table, const std::vector<std::size_t>& columns, const CsvEncoding& encoding,
               const std::vector<std::int64_t>& rows, const std::string& file) {
  const std::int64_t width = encoding.width();
  Tensor features = Tensor::allocate({{static_cast<std::int64_t>(rows.size()), width}, f32});
  features.zero_();
  float* const to = features.mutable_data<float>();
  std::int64_t first = 0;
  for (std::size_t f = 0; f < encoding.features.size(); ++f) {
    const CsvEncoding::Feature& feature = encoding.features[f];
    const CsvColumn& column = table.columns[columns[f]];
    if (!feature.texts.empty()) {
      const std::vector<std::size_t> places = places_of(table, column, feature.texts, rows, file);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        // A text that is missing stays 0 everywhere.
        if (places[i] != kNone)
          to[static_cast<std::int64_t>(i) * width + first + static_cast<std::int64_t>(places[i])] = 1;
      }
      first += static_cast<std::int64_t>(feature.texts.size());
      continue;
    }
    if (!column.texts.empty() && !rows.empty()) {
      fail_at(table, rows[0], file,
              fmt::format("column '{}' has the text '{}' (want numbers)", column.name, column.texts[0]));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double value = column.values[static_cast<std::size_t>(rows[i])];
      to[static_cast<std::int64_t>(i) * width + first] = static_cast<float>(std::isnan(value) ? feature.mean : value);
    }
    ++first;
  }
  return features;
}

Tensor numbers_in(const CsvColumn& column, const std::vector<std::int64_t>& rows) {
  Tensor labels = Tensor::allocate({{static_cast<std::int64_t>(rows.size())}, f32});
  float* to = labels.mutable_data<float>();
  for (const std::int64_t row : rows) *to++ = static_cast<float>(column.values[static_cast<std::size_t>(row)]);
  return labels;
}

}  // namespace

std::int64_t CsvEncoding::width() const {
  std::int64_t width = 0;
  for (const Feature& feature : features)
    width += std::max<std::int64_t>(static_cast<std::int64_t>(feature.texts.size()), 1);
  return width;
}

CsvEncoding csv_encoding(const CsvTable& table, const CsvOptions& options, const std::string& file) {
  const std::size_t label =
      options.label.empty() ? table.columns.size() - 1 : chosen_column(table, options.label, file);
  const std::vector<std::int64_t> rows = rows_to_keep(table, all_columns(table), label, options, file);
  CsvEncoding encoding;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const CsvColumn& column = table.columns[c];
    if (c == label) continue;
    if (static_cast<std::int64_t>(column.texts.size()) > options.most_texts) {
      throw IoError(fmt::format("{}: column '{}' has {} different texts (want at most {})", file, column.name,
                                column.texts.size(), options.most_texts));
    }
    if (static_cast<std::int64_t>(column.missing.size()) == table.rows())
      throw IoError(fmt::format("{}: column '{}' has no value at all", file, column.name));
    encoding.features.push_back({column.name, column.texts, column.texts.empty() ? mean_of(column) : 0});
  }
  if (encoding.features.empty())
    throw IoError(fmt::format("{}: has one column (want features besides the label)", file));
  const CsvColumn& column = table.columns[label];
  encoding.label = column.name;
  if (!options.regression) {
    encoding.classes = classes_of(column, rows);
  } else if (!column.texts.empty()) {
    fail_at(table, 0, file,
            fmt::format("column '{}' has the text '{}' (want numbers to learn)", column.name, column.texts[0]));
  }
  return encoding;
}

Dataset encode_csv(const CsvTable& table, const CsvEncoding& encoding, const CsvOptions& options,
                   const std::string& file) {
  const std::vector<std::size_t> columns = feature_columns(table, encoding, options, file);
  const std::size_t label = needed_column(table, encoding.label, file);
  std::vector<std::size_t> needed = columns;
  needed.push_back(label);
  const std::vector<std::int64_t> rows = rows_to_keep(table, needed, label, options, file);
  Dataset dataset{
      encoded(table, columns, encoding, rows, file), {}, static_cast<std::int64_t>(encoding.classes.size())};
  const CsvColumn& column = table.columns[label];
  if (encoding.classes.empty()) {
    if (!column.texts.empty()) {
      fail_at(table, 0, file,
              fmt::format("column '{}' has the text '{}' (want numbers to learn)", column.name, column.texts[0]));
    }
    dataset.labels = numbers_in(column, rows);
    return dataset;
  }
  dataset.labels = Tensor::allocate({{static_cast<std::int64_t>(rows.size())}, i64});
  std::int64_t* to = dataset.labels.mutable_data<std::int64_t>();
  for (const std::size_t place : places_of(table, column, encoding.classes, rows, file))
    *to++ = static_cast<std::int64_t>(place);
  return dataset;
}

Tensor encode_csv_features(const CsvTable& table, const CsvEncoding& encoding, const CsvOptions& options,
                           const std::string& file) {
  const std::vector<std::size_t> columns = feature_columns(table, encoding, options, file);
  // A prediction belongs to a row, so that none is left out.
  CsvOptions strict = options;
  if (strict.missing == Missing::drop_row) strict.missing = Missing::error;
  return encoded(table, columns, encoding, rows_to_keep(table, columns, kNone, strict, file), file);
}

}  // namespace dagrad::data
