// Tables of comma-separated values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dagrad/nn/data/dataset.h"

namespace dagrad::data {

/// One column. It is of numbers when every field in it is a number or missing, else of texts.
struct CsvColumn {
  std::string name;                   ///< from the header, else "0", "1", ...
  std::vector<double> values;         ///< a text's place in `texts`; NaN where missing
  std::vector<std::string> texts;     ///< the different texts, sorted; empty for numbers
  std::vector<std::int64_t> missing;  ///< the rows without a value
};

struct CsvTable {
  std::vector<CsvColumn> columns;
  std::vector<std::int64_t> lines;  ///< the line of the file that each row begins on, counted from 1
  std::int64_t rows() const { return static_cast<std::int64_t>(lines.size()); }
};

/// What becomes of a field without a value.
enum class Missing {
  error,     ///< the file is refused
  drop_row,  ///< its row is left out
  mean,      ///< a feature gets the mean of the values that its column has; a row without a label is left out
};

struct CsvOptions {
  char separator = ',';
  bool header = true;       ///< the first line has the names of the columns
  std::string label = "";   ///< the column that is to be learned, by name; empty: the last one
  bool regression = false;  ///< labels are numbers; else each different value, in order, is a class
  Missing missing = Missing::error;
  std::vector<std::string> missing_words = {"", "?", "NA", "N/A", "nan", "NaN", "NAN", "null"};
  std::int64_t most_texts = 100;  ///< how many different texts a feature may have
};

/// Reads a table as RFC 4180 describes it: fields may stand in double quotes, inside which a quote is doubled and
/// separators and line ends are text. Spaces around a number do not matter; lines without anything are passed over.
/// Throws IoError as `file:line: ...` for a line with more or fewer fields than the first, a quote that does not end, a
/// number too large for double, an infinite one; and for a file without a line, or whose columns have a name twice.
CsvTable read_csv(const std::filesystem::path& file, const CsvOptions& options = {});

/// The table as features [N, columns] and labels: a column of numbers is one feature, one of texts as many as it has
/// texts, of which one is 1 and the others 0. Throws IoError as `file:line: ...` for missing values (see Missing) and
/// texts where numbers are wanted, or when too little is left.
Dataset load_csv(const std::filesystem::path& file, const CsvOptions& options = {});

}  // namespace dagrad::data
