// Running the program as its users do.
#pragma once

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pty.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch_folder.h"

namespace dagrad::tools {

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string out, err;
};

class Program : public ScratchFolder {
 protected:
  /// Runs `dagrad ARGUMENTS` in the folder through the shell, with both outputs in files.
  Outcome run(const std::string& arguments, const std::string& before = "") const {
    const std::string command =
        "cd '" + folder_.string() + "' && " + before + " '" DAGRAD_PROGRAM "' " + arguments + " >out 2>err </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder_ / "out"), content(folder_ / "err")};
  }

  /// Runs a script of bash in the folder.
  Outcome shell(const std::string& script) const {
    std::ofstream(folder_ / "script") << script;
    const std::string command = "cd '" + folder_.string() + "' && bash script >script.out 2>script.err </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder_ / "script.out"),
            content(folder_ / "script.err")};
  }

  /// Runs it on a pseudo-terminal; what the terminal shows.
  std::string run_on_terminal(const std::vector<std::string>& arguments, bool color) const {
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
      if (chdir(folder_.c_str()) != 0) _exit(99);
      if (!color)
        setenv("NO_COLOR", "1", 1);
      else
        unsetenv("NO_COLOR");
      std::vector<char*> argv{const_cast<char*>(DAGRAD_PROGRAM)};
      for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      execv(DAGRAD_PROGRAM, argv.data());
      _exit(99);
    }
    std::string shown;
    char buffer[4096];
    for (ssize_t got = 0; (got = read(terminal, buffer, sizeof buffer)) > 0;)
      shown.append(buffer, static_cast<std::size_t>(got));
    int status = 0;
    waitpid(child, &status, 0);
    close(terminal);
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0) << shown;
    return shown;
  }
};

constexpr const char* kSmall = "train --samples 300 --hidden 16 --epochs 2 ";

}  // namespace dagrad::tools
