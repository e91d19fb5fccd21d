#include "tools/command.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <new>
#include <string>
#include <string_view>

#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "tools/bench_command.h"
#include "tools/command_line.h"
#include "tools/eval_command.h"
#include "tools/exit_codes.h"
#include "tools/gradcheck_command.h"
#include "tools/graph_command.h"
#include "tools/inspect_command.h"
#include "tools/interrupt.h"
#include "tools/lab_command.h"
#include "tools/manual.h"
#include "tools/option_checks.h"
#include "tools/output.h"
#include "tools/predict_command.h"
#include "tools/suggest.h"
#include "tools/train_command.h"

namespace dagrad::tools {
namespace {

int print_version(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) throw UsageError(fmt::format("version: '{}' is one word too many", arguments[0]));
  print(fmt::format("dagrad {} (oneDNN {})\n", DAGRAD_VERSION, onednn::version()));
  return kSuccess;
}

int print_help(const std::vector<std::string>& arguments) {
  if (arguments.size() > 1)
    throw UsageError(fmt::format("help: '{}' is one word too many (want one command)", arguments[1]));
  if (!arguments.empty()) return run_program({arguments[0], "--help"});
  std::string text =
      std::string("dagrad: automatic differentiation in C++\n\nExamples:\n") + kProgramExamples + "\nCommands:\n";
  for (const Command& command : commands()) text += fmt::format("  {:<10} {}\n", command.name, command.summary);
  print(text + "\n" + kExitCodes);
  return kSuccess;
}

int print_completion(const std::vector<std::string>& arguments) {
  std::string shell;
  boost::program_options::options_description options("Options");
  options.add_options()("shell", optional_text(shell, "SHELL"), "bash or zsh; the word shell may be left out");
  if (!parse_command_line({"completion",
                           "dagrad completion: a script that completes commands, options, files and names\n\n"
                           "Examples:\n"
                           "  dagrad completion bash > dagrad.bash     then, in ~/.bashrc: source dagrad.bash\n"
                           "  dagrad completion zsh > _dagrad          in a folder of $fpath\n\n",
                           "\nInstalling dagrad puts both where the shells look for them.\n",
                           "shell",
                           {"bash", "zsh"}},
                          options, arguments))
    return kSuccess;
  if (shell.empty()) throw UsageError("completion: no shell (want bash or zsh)");
  check_choice("shell", shell, {"bash", "zsh"});
  print(shell == "bash" ? bash_completion(manuals()) : zsh_completion(manuals()));
  return kSuccess;
}

int print_man_page(const std::vector<std::string>& arguments) {
  if (!parse_command_line({"man",
                           "dagrad man: the manual as a man page, from the texts of --help\n\n"
                           "Examples:\n"
                           "  dagrad man > dagrad.1                    then: man ./dagrad.1\n\n",
                           "", ""},
                          boost::program_options::options_description("Options"), arguments))
    return kSuccess;
  print(man_page(manuals(), DAGRAD_VERSION));
  return kSuccess;
}

int complain(int code, const std::string& what) {
  std::fflush(stdout);
  fmt::print(stderr, "dagrad: {}\n", what);
  return code;
}

}  // namespace

const char* const kProgramExamples =
    "  dagrad train                                   train on the built-in digits\n"
    "  dagrad train --dataset mnist --data DIR        train on MNIST's files in DIR\n"
    "  dagrad inspect net.safetensors                 what a trained model holds\n"
    "  dagrad graph --model cnn                       draw a model's graph, with what each op costs\n"
    "  dagrad gradcheck conv2d                        compare an op's derivatives with finite differences\n"
    "  dagrad bench matmul                            time an op\n"
    "  dagrad lab xor                                 see what a perceptron cannot learn\n"
    "  dagrad train --help                            all options of a command\n";

const char* const kExitCodes =
    "Exit codes: 0 success, 1 a check found something wrong, 2 usage, 3 a file (or standard output) that cannot be\n"
    "read or written, 4 the work failed, 130 interrupted.\n";

const std::vector<Command>& commands() {
  static const std::vector<Command> list = {
      {"train", "train a network and test it", run_train},
      {"eval", "test a model that was saved", run_eval},
      {"predict", "what a model that was saved says", run_predict},
      {"inspect", "what a model file, or any file of tensors, holds", run_inspect},
      {"graph", "draw the recorded graph of a model's step, with what each op costs", run_graph},
      {"gradcheck", "compare the derivatives of ops or of a model with finite differences", run_gradcheck},
      {"bench", "time ops and models", run_bench},
      {"lab", "experiments that show what the theory says", run_lab},
      {"completion", "a script that completes what is typed in bash or zsh", print_completion},
      {"man", "the manual as a man page", print_man_page},
      {"version", "print the version", print_version, false},
      {"help", "print this, or what a command's --help prints", print_help, false},
  };
  return list;
}

int run_program(const std::vector<std::string>& arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe becomes an error of the write
  end_on_interrupt();
  try {
    std::string name = arguments.empty() ? "help" : arguments[0];
    if (name == "--help" || name == "-h") name = "help";
    if (name == "--version") name = "version";
    const auto command =
        std::find_if(commands().begin(), commands().end(), [&](const Command& c) { return c.name == name; });
    if (command == commands().end()) {
      std::vector<std::string> names;
      for (const Command& c : commands()) names.push_back(c.name);
      throw UsageError(fmt::format("unknown command '{}'{} (see dagrad help)", name, suggestion(name, names)));
    }
    const int code = command->run({arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end()});
    flush_output();
    return arguments.empty() ? kUsage : code;
  } catch (const UsageError& error) {
    return complain(kUsage, error.what());
  } catch (const IoError& error) {
    return complain(kInput, error.what());
  } catch (const std::bad_alloc& error) {
    const std::string_view what = error.what();
    return complain(kFailure, what.starts_with("out of memory") ? std::string(what) : "out of memory");
  } catch (const std::exception& error) {
    return complain(kFailure, error.what());
  }
}

}  // namespace dagrad::tools
