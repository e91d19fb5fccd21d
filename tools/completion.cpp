#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/manual.h"

namespace dagrad::tools {
namespace {

/// Text between single quotes, for a shell.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

/// What _arguments would take for the ends of its parts.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_values(const OptionManual& option) {
  if (option.value.empty()) return "";
  std::string action = " ";
  if (option.takes_file()) action = "_files";
  if (option.takes_folder()) action = "_files -/";
  if (!option.choices.empty()) action = fmt::format("({})", fmt::join(option.choices, " "));
  return fmt::format(":{}:{}", zsh_text(option.value), action);
}

std::string zsh_option(const OptionManual& option) {
  const std::string rest = fmt::format("[{}]{}", zsh_text(option.help), zsh_values(option));
  if (option.short_name.empty()) return quoted(option.name + rest);
  return fmt::format("'({0} {1})'{{{0},{1}}}{2}", option.short_name, option.name, quoted(rest));
}

}  // namespace

std::string bash_completion(const std::vector<CommandManual>& manuals) {
  std::vector<std::string> names;
  names.reserve(manuals.size());
  for (const CommandManual& manual : manuals) names.push_back(manual.name);
  std::string script = fmt::format(
      "# bash completion for dagrad: written by `dagrad completion bash`.\n"
      "_dagrad() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]-}}\n"
      "  local options='' words='' files=''\n"
      "  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W '{} --help --version' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case $command in\n",
      fmt::join(names, " "));
  for (const CommandManual& manual : manuals) {
    script += fmt::format("    {})\n      case $before in\n", manual.name);
    std::vector<std::string> options;
    for (const OptionManual& option : manual.options) {
      options.push_back(option.name);
      if (option.value.empty()) continue;
      const std::string pattern = option.short_name.empty() ? option.name : option.name + "|" + option.short_name;
      if (!option.choices.empty())
        script += fmt::format("        {}) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;\n", pattern,
                              fmt::join(option.choices, " "));
      else if (option.takes_folder())
        script += fmt::format("        {}) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n", pattern);
      else if (option.takes_file())
        script += fmt::format("        {}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", pattern);
      else
        script += fmt::format("        {}) return ;;\n", pattern);
    }
    script += fmt::format("      esac\n      options='{}'\n", fmt::join(options, " "));
    if (!manual.words.empty()) script += fmt::format("      words='{}'\n", fmt::join(manual.words, " "));
    if (manual.positional == "FILE") script += "      files=yes\n";
    script += "      ;;\n";
  }
  return script +
         "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "    if [[ -n $files ]]; then COMPREPLY+=($(compgen -f -- \"$word\")); fi\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _dagrad dagrad\n";
}

std::string zsh_completion(const std::vector<CommandManual>& manuals) {
  std::string script =
      "#compdef dagrad\n"
      "# zsh completion for dagrad: written by `dagrad completion zsh`.\n"
      "_dagrad() {\n"
      "  local -a commands\n"
      "  commands=(\n";
  for (const CommandManual& manual : manuals)
    script += fmt::format("    {}\n", quoted(zsh_text(manual.name) + ":" + manual.summary));
  script +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const CommandManual& manual : manuals) {
    script += fmt::format("    {})\n      _arguments", manual.name);
    for (const OptionManual& option : manual.options) script += " \\\n        " + zsh_option(option);
    if (!manual.words.empty())
      script += fmt::format(" \\\n        '*:{}:({})'", manual.positional.empty() ? "word" : manual.positional,
                            fmt::join(manual.words, " "));
    else if (manual.positional == "FILE")
      script += " \\\n        '*:FILE:_files'";
    script += "\n      ;;\n";
  }
  return script + "  esac\n}\n_dagrad \"$@\"\n";
}

}  // namespace dagrad::tools
