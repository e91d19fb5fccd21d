#include "tools/option_values.h"

#include <algorithm>
#include <array>
#include <boost/lexical_cast/try_lexical_convert.hpp>
#include <cctype>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <typeinfo>

#include "dagrad/core/error.h"

namespace dagrad::tools {
namespace {

namespace po = boost::program_options;

/// The type of an option's value; that of nothing for an option that is not known.
const std::type_info& type_of(const po::options_description& all, const std::string& name) {
  const po::option_description* const option = all.find_nothrow(name, false);
  if (option == nullptr) return typeid(void);
  const auto* const value = dynamic_cast<const po::typed_value_base*>(option->semantic().get());
  return value == nullptr ? typeid(void) : value->value_type();
}

template <class T>
bool reads_as(const std::string& text) {
  T value{};
  return boost::conversion::try_lexical_convert(text, value);
}

/// As boost takes them for switches in a file.
bool is_truth_value(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array kValues{"", "on", "yes", "1", "true", "off", "no", "0", "false"};
  return std::find(kValues.begin(), kValues.end(), text) != kValues.end();
}

bool is_whole(const std::string& text) {
  const std::size_t first = text.rfind('-', 0) == 0 ? 1 : 0;
  return text.size() > first && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(first), text.end(),
                                            [](unsigned char c) { return std::isdigit(c) != 0; });
}

template <class T>
std::string wanted_whole(const std::string& text) {
  using Limits = std::numeric_limits<T>;
  if (is_whole(text) || Limits::min() == 0)
    return fmt::format("a whole number from {} to {}", Limits::min(), Limits::max());
  return "a whole number";
}

/// What a value of the type should have been; empty where `text` is one.
std::string wanted(const std::type_info& type, const std::string& text) {
  if (type == typeid(double)) return reads_as<double>(text) ? "" : "a number";
  if (type == typeid(int)) return reads_as<int>(text) ? "" : wanted_whole<int>(text);
  if (type == typeid(std::int64_t)) return reads_as<std::int64_t>(text) ? "" : wanted_whole<std::int64_t>(text);
  // Boost reads -1 as the largest there is.
  if (type == typeid(std::uint64_t)) {
    const bool fits = text.rfind('-', 0) != 0 && reads_as<std::uint64_t>(text);
    return fits ? "" : wanted_whole<std::uint64_t>(text);
  }
  if (type == typeid(bool)) return is_truth_value(text) ? "" : "true or false";
  return "";
}

/// What follows an option's name: `a number`, or nothing where it takes no value.
std::string value_of(const po::options_description& all, const std::string& name) {
  const std::string number = wanted(type_of(all, name), "x");
  if (!number.empty()) return number;
  const po::option_description* const option = all.find_nothrow(name, false);
  if (option == nullptr || option->semantic()->max_tokens() == 0) return "a value";
  const std::string shown = option->semantic()->name();  // "FILE (=default)"
  return shown.substr(0, shown.find(" (="));
}

}  // namespace

std::string typed_name(const std::string& option_name) {
  return option_name.rfind('-', 0) == 0 ? option_name : "--" + option_name;
}

void check_values(const po::parsed_options& given, const po::options_description& all, const std::string& where) {
  for (const po::option& option : given.options) {
    const std::type_info& type = type_of(all, option.string_key);
    for (const std::string& text : option.value) {
      if (const std::string want = wanted(type, text); !want.empty())
        throw UsageError(fmt::format("{}--{}: '{}' (want {})", where, option.string_key, text, want));
    }
  }
}

std::string complaint(const po::error_with_option_name& error, const po::options_description& all,
                      const std::string& see) {
  const std::string name = typed_name(error.get_option_name());
  if (dynamic_cast<const po::multiple_occurrences*>(&error) != nullptr)
    return fmt::format("{}: is given more than once {}", name, see);
  if (const auto* const syntax = dynamic_cast<const po::invalid_syntax*>(&error)) {
    if (syntax->kind() == po::invalid_syntax::missing_parameter ||
        syntax->kind() == po::invalid_syntax::empty_adjacent_parameter)
      return fmt::format("{}: no value (want {})", name, value_of(all, name.substr(name.find_first_not_of('-'))));
    if (syntax->kind() == po::invalid_syntax::extra_parameter) return fmt::format("{}: takes no value {}", name, see);
  }
  return fmt::format("{} {}", error.what(), see);
}

}  // namespace dagrad::tools
