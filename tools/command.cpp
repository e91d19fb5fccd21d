#include "tools/command.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <new>

#include "dagrad/core/error.h"
#include "dagrad/core/onednn/onednn.h"
#include "tools/bench_command.h"
#include "tools/eval_command.h"
#include "tools/exit_codes.h"
#include "tools/gradcheck_command.h"
#include "tools/lab_command.h"
#include "tools/output.h"
#include "tools/predict_command.h"
#include "tools/suggest.h"
#include "tools/train_command.h"

namespace dagrad::tools {
namespace {

int print_version(const std::vector<std::string>&) {
  print(fmt::format("dagrad {} (oneDNN {})\n", DAGRAD_VERSION, onednn::version()));
  return kSuccess;
}

int print_help(const std::vector<std::string>&) {
  std::string text =
      "dagrad: automatic differentiation in C++\n\n"
      "Examples:\n"
      "  dagrad train                                   train on the built-in digits\n"
      "  dagrad train --dataset mnist --data DIR        train on MNIST's files in DIR\n"
      "  dagrad gradcheck conv2d                        compare an op's derivatives with finite differences\n"
      "  dagrad bench matmul                            time an op\n"
      "  dagrad lab xor                                 see what a perceptron cannot learn\n"
      "  dagrad train --help                            all options of a command\n\n"
      "Commands:\n";
  for (const Command& command : commands()) text += fmt::format("  {:<10} {}\n", command.name, command.summary);
  text +=
      "\nExit codes: 0 success, 1 a check found something wrong, 2 usage, 3 a file that cannot be read or written, 4 "
      "the work failed, 130 "
      "interrupted.\n";
  print(text);
  return kSuccess;
}

int complain(int code, const std::string& what) {
  std::fflush(stdout);
  fmt::print(stderr, "dagrad: {}\n", what);
  return code;
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> list = {
      {"train", "train a network and test it", run_train},
      {"eval", "test a model that was saved", run_eval},
      {"predict", "what a model that was saved says", run_predict},
      {"gradcheck", "compare the derivatives of ops with finite differences", run_gradcheck},
      {"bench", "time ops", run_bench},
      {"lab", "experiments that show what the theory says", run_lab},
      {"version", "print the version", print_version},
      {"help", "print this", print_help},
  };
  return list;
}

int run_program(const std::vector<std::string>& arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe becomes an error of the write
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
  } catch (const std::bad_alloc&) {
    return complain(kFailure, "out of memory");
  } catch (const std::exception& error) {
    return complain(kFailure, error.what());
  }
}

}  // namespace dagrad::tools
