// Cutting a text of comma-separated values into fields. Internal.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace dagrad::data {

/// Goes through a text row by row.
class CsvLines {
 public:
  CsvLines(std::string_view text, char separator, std::string file);

  /// The fields of the next row that is not blank; false at the end. They are views into the text, or into what this
  /// object keeps.
  bool next(std::vector<std::string_view>& fields);
  /// The line that the last row began on, counted from 1.
  std::int64_t line() const { return row_line_; }
  /// Throws IoError as `file:line: what`.
  [[noreturn]] void fail(std::int64_t line, std::string_view what) const;

 private:
  std::string_view field();
  std::string_view quoted_field();
  bool at_line_end() const { return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }
  void pass_line_end();

  std::string_view text_;
  char separator_;
  std::string file_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1, row_line_ = 0;
  std::deque<std::string> unquoted_;  // fields with doubled quotes, which are not in the text as they are meant
};

}  // namespace dagrad::data
