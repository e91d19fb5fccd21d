#include <fmt/format.h>
#include <sstream>

#include "tools/manual.h"

namespace dagrad::tools {
namespace {

/// Text with what troff would take for its own made harmless.
std::string roff(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins_line = i == 0 || text[i - 1] == '\n';
    const char c = text[i];
    if (begins_line && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else if (c == '\'')
      result += "\\(aq";
    else if (c == '`')
      result += "\\(ga";
    else if (c == '^')
      result += "\\(ha";
    else if (c == '~')
      result += "\\(ti";
    else
      result += c;
  }
  return result;
}

/// Lines as they are, without filling.
std::string verbatim(const std::string& text) {
  return ".nf\n" + roff(text) + (text.ends_with('\n') ? "" : "\n") + ".fi\n";
}

/// A text of --help without its first line and without empty lines at its ends.
std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of('\n'));
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

std::string without_first_line(const std::string& text) {
  const std::size_t end = text.find('\n');
  return end == std::string::npos ? std::string() : trimmed(text.substr(end));
}

std::string usage(const CommandManual& manual) {
  std::string line = fmt::format("\\fBdagrad {}\\fR", manual.name);
  if (!manual.options.empty()) line += " [\\fIOPTION\\fR...]";
  if (!manual.positional.empty()) line += fmt::format(" [\\fI{}\\fR...]", manual.positional);
  return line;
}

}  // namespace

std::string man_page(const std::vector<CommandManual>& manuals, const std::string& version) {
  std::string page = fmt::format(
      ".TH DAGRAD 1 \"\" \"dagrad {}\" \"User Commands\"\n"
      ".SH NAME\n"
      "dagrad \\- train networks, check gradients, time and draw ops\n"
      ".SH SYNOPSIS\n"
      ".B dagrad\n"
      ".I COMMAND\n"
      "[\\fIOPTION\\fR...]\n"
      ".SH DESCRIPTION\n"
      "The command line of dagrad, a library of automatic differentiation for C++. Results and JSON go to standard\n"
      "output, progress to standard error.\n"
      ".SH EXAMPLES\n",
      version);
  page += verbatim(kProgramExamples);
  for (const CommandManual& manual : manuals) {
    page +=
        fmt::format(".SH \"{}\"\n{}\n.PP\n{}.\n", roff("dagrad " + manual.name), usage(manual), roff(manual.summary));
    if (!manual.examples.empty()) page += ".PP\n" + verbatim(without_first_line(manual.examples));
    for (const OptionManual& option : manual.options) {
      std::string term = fmt::format("\\fB{}\\fR", roff(option.name));
      if (!option.short_name.empty()) term = fmt::format("\\fB{}\\fR, ", roff(option.short_name)) + term;
      if (!option.value.empty()) term += fmt::format(" \\fI{}\\fR", roff(option.value));
      if (!option.initial.empty()) term += fmt::format(" (default: {})", roff(option.initial));
      page += ".TP\n" + term + "\n" + roff(option.help) + "\n";
    }
    if (!manual.outcome.empty()) page += ".PP\n" + roff(trimmed(manual.outcome)) + "\n";
  }
  page += ".SH \"EXIT STATUS\"\n" + roff(kExitCodes) +
          "\n"
          ".SH ENVIRONMENT\n"
          ".TP\n"
          "\\fBNO_COLOR\\fR\n"
          "Set to anything: no colours on a terminal.\n"
          ".TP\n"
          "\\fBOMP_NUM_THREADS\\fR\n"
          "How many threads there are where \\fB\\-\\-threads\\fR does not say.\n";
  return page;
}

}  // namespace dagrad::tools
