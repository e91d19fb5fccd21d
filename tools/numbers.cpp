#include "tools/numbers.h"

#include <charconv>
#include <fmt/format.h>
#include <sstream>

#include "dagrad/core/error.h"

namespace dagrad::tools {

std::vector<std::int64_t> parse_whole_numbers(const std::string& option, const std::string& text, std::int64_t least,
                                              std::int64_t most, const std::string& what) {
  std::vector<std::int64_t> numbers;
  if (text.empty() || text == "none") return numbers;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size() || number < least || number > most) {
      throw UsageError(fmt::format("--{}: '{}' in '{}' (want {} from {} to {}, like 256,128, or none)", option, part,
                                   text, what, least, most));
    }
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace dagrad::tools
