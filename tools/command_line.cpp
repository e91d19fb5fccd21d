#include "tools/command_line.h"

#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "dagrad/core/error.h"
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
po::parsed_options parse_options_file(std::istream& file, const po::options_description& all) {
  po::parsed_options result(&all);
  for (std::string line; std::getline(file, line);) {
    for (std::size_t at = line.find('#'); at != std::string::npos; at = line.find('#', at + 1)) {
      if (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t') continue;
      line.resize(at);  // a comment
      break;
    }
    line = trimmed(line);
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) throw po::invalid_config_file_syntax(line, po::invalid_syntax::unrecognized_line);
    const std::string name = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
    if (all.find_nothrow(name, false) == nullptr) throw po::unknown_option(name);
    po::option option(name, {value});
    option.original_tokens = {name, value};
    result.options.push_back(option);
  }
  return result;
}

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
  po::positional_options_description words;
  if (!text.positional.empty()) words.add(text.positional.c_str(), -1);
  const std::string see = fmt::format("(see dagrad {} --help)", text.name);

  po::variables_map values;
  std::string source = text.name;
  try {
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(words)
                  .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values);
    if (values.count("help") > 0) {
      std::ostringstream list;
      list << all;
      print(text.examples + list.str() + text.outcome);
      return false;
    }
    if (values.count("config") > 0) {
      source = values["config"].as<std::string>();
      std::ifstream file(source);
      if (!file) throw IoError(fmt::format("{}: cannot be opened (want a file of options)", source));
      po::store(parse_options_file(file, all), values);
    }
    po::notify(values);
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name();
    const std::string shown = name.rfind("--", 0) == 0 ? name : "--" + name;
    throw UsageError(fmt::format("{}: unknown option '{}'{} {}", source, shown, suggestion(shown, names_of(all)), see));
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError(fmt::format("{}: takes options only {}", text.name, see));
  } catch (const po::error& error) {
    throw UsageError(fmt::format("{}: {} {}", source, error.what(), see));
  }
  return true;
}

}  // namespace dagrad::tools
