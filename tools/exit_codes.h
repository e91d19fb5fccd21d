// What the program's exit codes mean. They are documented in --help and are a promise.
#pragma once

namespace dagrad::tools {

enum ExitCode {
  kSuccess = 0,
  kWrong = 1,          ///< a check was made, and what it checked is wrong
  kUsage = 2,          ///< an option or a subcommand that is unknown, missing or out of range
  kInput = 3,          ///< a file that is missing, damaged or of another format, or cannot be written
  kFailure = 4,        ///< the work itself failed: a loss that is not a number, memory
  kInterrupted = 130,  ///< Ctrl-C
};

}  // namespace dagrad::tools
