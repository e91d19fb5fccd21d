#include "tools/suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace dagrad::tools {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i) + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const int above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const auto nearer = [word](const std::string& a, const std::string& b) {
    return edit_distance(word, a) < edit_distance(word, b);
  };
  const auto best = std::min_element(candidates.begin(), candidates.end(), nearer);
  if (best == candidates.end() || edit_distance(word, *best) > std::max<int>(2, static_cast<int>(word.size()) / 3))
    return {};
  return fmt::format("; did you mean '{}'?", *best);
}

}  // namespace dagrad::tools
