// Reading a subcommand's options, with the same messages everywhere.
#pragma once

#include <boost/program_options.hpp>
#include <functional>
#include <string>
#include <vector>

namespace dagrad::tools {

/// What a subcommand says of itself around the list of its options.
struct CommandText {
  std::string name;      ///< like `train`
  std::string examples;  ///< what --help leads with
  std::string outcome;   ///< what it ends with
  /// The option whose value a word without -- is, or whose values they are, where it takes several; empty: none.
  std::string positional;
  std::vector<std::string> words = {};  ///< what these words may be, for completion; empty: anything
  std::string second = {};              ///< the option that a second word is the value of; empty: there is none
};

/// While it lives, commands of the calling thread do nothing but show `see` what they would read: parse_command_line
/// calls it and returns false.
class ManualCapture {
 public:
  using See = std::function<void(const CommandText&, const boost::program_options::options_description&)>;
  explicit ManualCapture(See see);
  ~ManualCapture();
  ManualCapture(const ManualCapture&) = delete;
  ManualCapture& operator=(const ManualCapture&) = delete;

 private:
  See see_;
};

/// Reads `arguments` into the variables that `options` names, and from the file of the option `config`, if there is
/// one (lines of `name = value`; # begins a comment at the start of a line or behind a space); the command line wins.
/// Adds
/// --help. Returns false when help was asked for and printed. Throws UsageError, with
/// a suggestion for an unknown option, or IoError for the file.
bool parse_command_line(const CommandText& text, const boost::program_options::options_description& options,
                        const std::vector<std::string>& arguments);

/// An option for `target`, whose value at the call is the default.
template <class T>
boost::program_options::typed_value<T>* option(T& target, const char* shown) {
  return boost::program_options::value(&target)->default_value(target)->value_name(shown);
}
/// The same for numbers whose default would print with all its digits.
inline boost::program_options::typed_value<double>* option(double& target, const char* shown) {
  std::string text = std::to_string(target);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return boost::program_options::value(&target)->default_value(target, text)->value_name(shown);
}
/// A file or a name that may be missing.
inline boost::program_options::typed_value<std::string>* optional_text(std::string& target, const char* shown) {
  return boost::program_options::value(&target)->value_name(shown);
}

}  // namespace dagrad::tools
