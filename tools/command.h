// A subcommand.
#pragma once

#include <string>
#include <vector>

namespace dagrad::tools {

struct Command {
  std::string name;
  std::string summary;  ///< one line for the list of commands
  int (*run)(const std::vector<std::string>& arguments);
  bool has_options = true;  ///< whether it reads its arguments by parse_command_line
};

/// Every subcommand, in the order of `dagrad help`.
const std::vector<Command>& commands();

/// Finds the subcommand and runs it; turns what it throws into one line on stderr and an exit code.
int run_program(const std::vector<std::string>& arguments);

}  // namespace dagrad::tools
