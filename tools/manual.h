// What the commands say of themselves, as data: for completion and for the man page.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

struct OptionManual {
  std::string name;                  ///< like "--batch-size"
  std::string short_name;            ///< like "-q", or empty
  std::string value;                 ///< what stands for its value, like "N"; empty for a switch
  std::string initial;               ///< the default as text; empty where there is none
  std::string help;                  ///< one line
  std::vector<std::string> choices;  ///< what the help lists as its values
  bool takes_file() const { return value == "FILE" || value == "PATH"; }
  bool takes_folder() const { return value == "DIR"; }
};

struct CommandManual {
  std::string name;               ///< like "train"
  std::string summary;            ///< one line
  std::string examples, outcome;  ///< as --help has them
  std::vector<OptionManual> options;
  std::string positional;          ///< what stands for its words, like "FILE"; empty: it takes none
  std::vector<std::string> words;  ///< those that it knows, like names of ops
};

/// Of every command, in the order of `dagrad help`. None of them runs.
std::vector<CommandManual> manuals();

/// The values that a line of help lists: mlp, cnn and lstm for "which model: mlp, cnn or lstm (recurrent)". None when
/// it does not read like a list.
std::vector<std::string> listed_choices(const std::string& help);

/// What the program is, and how it may be called without a command; as `dagrad help` has it.
extern const char* const kProgramExamples;
extern const char* const kExitCodes;

/// Scripts that complete commands, options, files and names in bash and in zsh.
std::string bash_completion(const std::vector<CommandManual>& manuals);
std::string zsh_completion(const std::vector<CommandManual>& manuals);

/// dagrad(1) in the man macros.
std::string man_page(const std::vector<CommandManual>& manuals, const std::string& version);

}  // namespace dagrad::tools
