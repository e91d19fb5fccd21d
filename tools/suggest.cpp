#include "tools/suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <utility>
#include <vector>

namespace dagrad::tools {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> before, row(b.size() + 1), next(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    next[0] = static_cast<int>(i) + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      next[j + 1] = std::min({row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0 : 1)});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
        next[j + 1] = std::min(next[j + 1], before[j - 1] + 1);
    }
    before = row;
    row = next;
  }
  return row.back();
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  // Of names that are equally near, the one of the word's own length.
  const auto distance = [word](const std::string& name) {
    const std::size_t longer = std::max(name.size(), word.size()) - std::min(name.size(), word.size());
    return std::pair(edit_distance(word, name), longer);
  };
  const auto nearer = [&](const std::string& a, const std::string& b) { return distance(a) < distance(b); };
  const auto best = std::min_element(candidates.begin(), candidates.end(), nearer);
  // Of three letters, any name of three shares one.
  const int most = word.size() <= 3 ? 1 : std::max(2, static_cast<int>(word.size()) / 3);
  if (best == candidates.end() || edit_distance(word, *best) > most) return {};
  return fmt::format("; did you mean '{}'?", *best);
}

}  // namespace dagrad::tools
