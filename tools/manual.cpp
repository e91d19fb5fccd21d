#include "tools/manual.h"

#include <algorithm>
#include <cctype>

#include "tools/command.h"
#include "tools/command_line.h"

namespace dagrad::tools {
namespace {

namespace po = boost::program_options;

OptionManual manual_of(const po::option_description& option) {
  OptionManual manual;
  manual.name = "--" + option.long_name();
  const std::string both = option.format_name();  // "-q [ --quiet ]", or "--name"
  if (both.size() > 1 && both[1] != '-') manual.short_name = both.substr(0, 2);
  manual.help = option.description();
  if (option.semantic()->max_tokens() > 0) {
    manual.value = option.semantic()->name();  // "N (=10)"
    const std::size_t space = manual.value.find(" (=");
    if (space != std::string::npos) {
      manual.initial = manual.value.substr(space + 3, manual.value.size() - space - 4);
      manual.value.resize(space);
    }
    manual.choices = listed_choices(manual.help);
  }
  return manual;
}

std::string without_parentheses(const std::string& text) {
  std::string result;
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : 0;
    if (depth == 0) result += c;
    depth -= c == ')' ? 1 : 0;
  }
  return result;
}

bool is_value(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_' || c == '-' || c == '+';
  });
}

}  // namespace

std::vector<std::string> listed_choices(const std::string& help) {
  std::string text = without_parentheses(help);
  text = text.substr(0, text.find(';'));
  if (const std::size_t colon = text.rfind(": "); colon != std::string::npos) text = text.substr(colon + 2);
  for (std::size_t at = 0; (at = text.find(" or ", at)) != std::string::npos;) text.replace(at, 4, ", ");
  std::vector<std::string> words;
  for (std::size_t first = 0; first <= text.size();) {
    const std::size_t comma = std::min(text.find(',', first), text.size());
    std::string word = text.substr(first, comma - first);
    word.erase(0, word.find_first_not_of(' '));
    word.erase(word.find_last_not_of(' ') + 1);
    if (is_value(word))
      words.push_back(word);
    else if (word.find(' ') != std::string::npos)
      return {};  // prose
    first = comma + 1;
  }
  return words.size() < 2 ? std::vector<std::string>() : words;
}

std::vector<CommandManual> manuals() {
  std::vector<CommandManual> result;
  for (const Command& command : commands()) {
    CommandManual manual{command.name, command.summary, {}, {}, {}, {}, {}};
    if (command.has_options) {
      const ManualCapture capture([&](const CommandText& text, const po::options_description& all) {
        manual.examples = text.examples;
        manual.outcome = text.outcome;
        manual.words = text.words;
        for (const auto& option : all.options()) {
          OptionManual one = manual_of(*option);
          if (option->long_name() == text.positional) manual.positional = one.value;
          manual.options.push_back(std::move(one));
        }
      });
      command.run({});
    }
    result.push_back(std::move(manual));
  }
  return result;
}

}  // namespace dagrad::tools
