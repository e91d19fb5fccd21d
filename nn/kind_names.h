// Looking a kind up by its name. Internal.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dagrad::nn::detail {

/// Kinds and their names; a kind's first name is the one that it is printed with.
template <class Kind>
using KindNames = std::span<const std::pair<Kind, const char*>>;

/// Whether both are the same but for case and the characters '-' and '_'.
bool same_name(std::string_view a, std::string_view b);

/// Throws UsageError that lists `names`.
[[noreturn]] void throw_unknown_name(std::string_view what, std::string_view name,
                                     const std::vector<std::string>& names);

/// The first name of each kind, in the order of the list.
template <class Kind>
std::vector<std::string> names_of_all(KindNames<Kind> list) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i == 0 || list[i].first != list[i - 1].first) names.emplace_back(list[i].second);
  }
  return names;
}

template <class Kind>
Kind kind_named(std::string_view what, std::string_view name, KindNames<Kind> list) {
  for (const auto& [kind, text] : list) {
    if (same_name(name, text)) return kind;
  }
  throw_unknown_name(what, name, names_of_all<Kind>(list));
}

template <class Kind>
std::string_view first_name(Kind wanted, KindNames<Kind> list) {
  for (const auto& [kind, text] : list) {
    if (kind == wanted) return text;
  }
  return "?";
}

}  // namespace dagrad::nn::detail
