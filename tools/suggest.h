// "Did you mean ...?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dagrad::tools {

/// How many insertions, deletions and changes of a letter turn `a` into `b` (Levenshtein).
int edit_distance(std::string_view a, std::string_view b);

/// `; did you mean 'NAME'?` for the candidate nearest to `word`, or nothing when none is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace dagrad::tools
