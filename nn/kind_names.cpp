#include "dagrad/nn/kind_names.h"

#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dagrad/core/error.h"

namespace dagrad::nn::detail {
namespace {

std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c != '-' && c != '_') letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return letters;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) { return letters_of(a) == letters_of(b); }

void throw_unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& names) {
  throw UsageError(fmt::format("{}: '{}' is not known (want one of {})", what, name, fmt::join(names, ", ")));
}

}  // namespace dagrad::nn::detail
