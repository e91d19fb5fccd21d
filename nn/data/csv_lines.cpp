#include "dagrad/nn/data/csv_lines.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/error.h"

namespace dagrad::data {

CsvLines::CsvLines(std::string_view text, char separator, std::string file)
    : text_(text), separator_(separator), file_(std::move(file)) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
}

void CsvLines::fail(std::int64_t line, std::string_view what) const {
  throw IoError(fmt::format("{}:{}: {}", file_, line, what));
}

void CsvLines::pass_line_end() {
  if (at_ < text_.size() && text_[at_] == '\r') ++at_;
  if (at_ < text_.size() && text_[at_] == '\n') ++at_;
  ++line_;
}

bool CsvLines::next(std::vector<std::string_view>& fields) {
  fields.clear();
  while (at_ < text_.size() && at_line_end()) pass_line_end();
  if (at_ >= text_.size()) return false;
  row_line_ = line_;
  while (true) {
    fields.push_back(field());
    if (at_line_end()) break;
    if (text_[at_] != separator_)
      fail(line_,
           fmt::format("text follows the quoted field {} (want '{}' or the line's end)", fields.size(), separator_));
    ++at_;
  }
  pass_line_end();
  return true;
}

std::string_view CsvLines::field() {
  if (at_ < text_.size() && text_[at_] == '"') return quoted_field();
  const std::size_t begin = at_;
  while (!at_line_end() && text_[at_] != separator_) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string_view CsvLines::quoted_field() {
  const std::int64_t first_line = line_;
  const std::size_t begin = ++at_;
  bool has_quotes = false;
  while (true) {
    if (at_ >= text_.size()) fail(first_line, "a quoted field does not end");
    if (text_[at_] == '"') {
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
      has_quotes = true;
      ++at_;
    } else if (text_[at_] == '\n') {
      ++line_;
    }
    ++at_;
  }
  const std::string_view raw = text_.substr(begin, at_++ - begin);
  if (!has_quotes) return raw;
  std::string& text = unquoted_.emplace_back();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    text += raw[i];
    if (raw[i] == '"') ++i;
  }
  return text;
}

}  // namespace dagrad::data
