#include "tools/command_line.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <typeinfo>

#include "dagrad/core/error.h"
#include "tools/input.h"
#include "tools/option_values.h"
#include "tools/output.h"
#include "tools/suggest.h"

namespace dagrad::tools {
namespace {

namespace po = boost::program_options;

thread_local const ManualCapture::See* capture = nullptr;

std::vector<std::string> names_of(const po::options_description& all) {
  std::vector<std::string> names;
  for (const auto& option : all.options()) names.push_back("--" + option->long_name());
  return names;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") + 1 - first);
}

/// Lines of `name = value`. Boost's own reader would end a file's name at its first #.
po::parsed_options parse_options_file(const std::string& name_of_file, const po::options_description& all) {
  check_is_file(name_of_file, "a file of options");
  std::ifstream file(name_of_file);
  if (!file) throw IoError(fmt::format("{}: cannot be opened (want a file of options)", name_of_file));
  po::parsed_options result(&all);
  std::int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    for (std::size_t at = line.find('#'); at != std::string::npos; at = line.find('#', at + 1)) {
      if (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t') continue;
      line.resize(at);  // a comment
      break;
    }
    line = trimmed(line);
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos)
      throw UsageError(fmt::format("{}:{}: '{}' (want a line like lr = 0.01)", name_of_file, number, line));
    const std::string name = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
    if (all.find_nothrow(name, false) == nullptr) throw po::unknown_option(name);
    po::option option(name, {value});
    option.original_tokens = {name, value};
    result.options.push_back(option);
  }
  if (file.bad()) throw IoError(fmt::format("{}: cannot be read", name_of_file));
  check_values(result, all, name_of_file + ": ");
  return result;
}

/// The words of a command line that belong to no option, and the options that they are values of.
class Words {
 public:
  /// `all` must outlive it.
  Words(const CommandText& text, const po::options_description& all) : command_(text.name) {
    options_.add(all);
    if (text.positional.empty()) return;
    const auto* const value =
        dynamic_cast<const po::typed_value_base*>(all.find(text.positional, false).semantic().get());
    if (value != nullptr && value->value_type() == typeid(std::vector<std::string>)) {
      places_.add(text.positional.c_str(), -1);
      return;
    }
    places_.add(text.positional.c_str(), 1);
    if (!text.second.empty()) places_.add(text.second.c_str(), 1);
    options_.add_options()(kMore, po::value<std::vector<std::string>>());
    places_.add(kMore, -1);
  }
  const po::options_description& options() const { return options_; }
  const po::positional_options_description& places() const { return places_; }
  /// Throws UsageError for the first word that has no place.
  void check(const po::variables_map& values, const std::string& see) const {
    if (values.count(kMore) == 0) return;
    throw UsageError(fmt::format("{}: '{}' is one word too many {}", command_,
                                 values[kMore].as<std::vector<std::string>>().at(0), see));
  }

 private:
  static constexpr const char* kMore = "words without a place";
  std::string command_;
  po::options_description options_;
  po::positional_options_description places_;
};

}  // namespace

ManualCapture::ManualCapture(See see) : see_(std::move(see)) { capture = &see_; }
ManualCapture::~ManualCapture() { capture = nullptr; }

bool parse_command_line(const CommandText& text, const po::options_description& options,
                        const std::vector<std::string>& arguments) {
  po::options_description help("Help"), all;
  help.add_options()("help,h", "print this");
  all.add(options).add(help);
  if (capture != nullptr) {
    (*capture)(text, all);
    return false;
  }
  const Words words(text, all);
  const std::string see = fmt::format("(see dagrad {} --help)", text.name);

  po::variables_map values;
  std::string source = text.name;
  try {
    const po::parsed_options given =
        po::command_line_parser(arguments)
            .options(words.options())
            .positional(words.places())
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run();
    check_values(given, all, "");
    po::store(given, values);
    if (values.count("help") > 0) {
      std::ostringstream list;
      list << all;
      print(text.examples + list.str() + text.outcome);
      return false;
    }
    if (values.count("config") > 0) {
      source = values["config"].as<std::string>();
      po::store(parse_options_file(source, all), values);
    }
    words.check(values, see);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name();
    const std::string shown = typed_name(name);
    throw UsageError(fmt::format("{}: unknown option '{}'{} {}", source, shown, suggestion(shown, names_of(all)), see));
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError(fmt::format("{}: takes options only {}", text.name, see));
  } catch (const po::error_with_option_name& error) {
    const std::string where = source == text.name ? "" : source + ": ";
    throw UsageError(where + complaint(error, all, see));
  } catch (const po::error& error) {
    throw UsageError(fmt::format("{}: {} {}", source, error.what(), see));
  }
  return true;
}

}  // namespace dagrad::tools
