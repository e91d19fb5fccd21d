// Everything that --help and the README show is run, in a pipe and on a terminal.
#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/nn/io/npy.h"
#include "dagrad/nn/io/npz.h"
#include "tools/manual.h"
#include "tools/program.h"

namespace dagrad::tools {
namespace {

/// The commands of a text: what follows two spaces and begins with "dagrad", up to the comment after them.
std::vector<std::string> commands_in(const std::string& text) {
  std::vector<std::string> commands;
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find_first_not_of(' ');
    if (first < 2 || first == std::string::npos || line.compare(first, 7, "dagrad ") != 0) continue;
    commands.push_back(line.substr(first, line.find("  ", first) - first));
  }
  return commands;
}

/// Those that take longer than a few seconds: their options are read, and the work is what other tests do in part.
bool is_long(const std::string& command) {
  if (command.rfind("dagrad lab ", 0) == 0) return command != "dagrad lab list" && command != "dagrad lab xor";
  return command == "dagrad gradcheck" || command.rfind("dagrad gradcheck --order", 0) == 0;
}

/// A training with fewer samples, where they are made up.
std::string shortened(const std::string& command) {
  if (command.rfind("dagrad train", 0) != 0) return command;
  const std::size_t pipe = std::min(command.find(" |"), command.size());
  const bool is_made_up = command.find("--data ") == std::string::npos &&
                          command.find("--config") == std::string::npos &&
                          command.find("--resume") == std::string::npos;
  const bool says_how_long = command.find("--epochs") != std::string::npos;
  return command.substr(0, pipe) + (is_made_up ? " --samples 1200" : "") +
         (is_made_up && !says_how_long ? " --epochs 2" : "") + command.substr(pipe);
}

std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift));
  return text;
}

class Examples : public Program {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "minutes in a sanitized build, and nothing that other tests do not run";
#endif
    Program::SetUp();
    // A little of everything that the examples name.
    fs::create_directories(folder_ / "DIR");
    constexpr std::uint32_t kImages = 2000;
    std::string pixels, labels;
    for (std::uint32_t i = 0; i < kImages; ++i) {
      const auto label = static_cast<char>(i * 7 % 10);
      labels.push_back(label);
      for (std::uint32_t p = 0; p < 784; ++p)
        pixels.push_back(static_cast<char>(p / 79 == static_cast<std::uint32_t>(label) ? 200 : p * i % 50));
    }
    std::ofstream(folder_ / "DIR" / "t10k-images-idx3-ubyte", std::ios::binary)
        << big_endian(0x803) << big_endian(kImages) << big_endian(28) << big_endian(28) << pixels;
    std::ofstream(folder_ / "DIR" / "t10k-labels-idx1-ubyte", std::ios::binary)
        << big_endian(0x801) << big_endian(kImages) << labels;
    std::ofstream(folder_ / "run.ini") << "lr = 0.01\nepochs = 2\n";
    std::string table = "a,b,c,d,kind\n", features = "a,b,c,d\n";
    for (int i = 0; i < 60; ++i) {
      const std::string row = fmt::format("{},{},{},{}", i % 7, i % 5 - 2, i / 10, i % 3);
      table += row + (i % 3 == 0 ? ",oak\n" : i % 3 == 1 ? ",elm\n" : ",ash\n");
      features += row + "\n";
    }
    for (const char* name : {"table.csv", "other.csv"}) std::ofstream(folder_ / name) << table;
    std::ofstream(folder_ / "x.csv") << features;
    io::save_npy(ones({3, 4}), folder_ / "x.npy");
    io::save_npz({{"a", ones({3})}, {"b", zeros({2, 2})}}, folder_ / "arrays.npz");
    // The program by its name, as its users call it.
    fs::create_directories(folder_ / "bin");
    fs::create_symlink(DAGRAD_PROGRAM, folder_ / "bin" / "dagrad");
    ASSERT_EQ(
        run("train --data table.csv --label kind --epochs 2 --hidden 16 --quiet --report none --save net.safetensors")
            .code,
        0);
  }

  Outcome try_out(const std::string& command) const {
    return shell("set -o pipefail; export PATH=$PWD/bin:$PATH\n" + command);
  }
};

/// All that is shown, as it is to be run; without what jq would do where there is none.
std::vector<std::string> shown_commands(bool has_jq) {
  std::vector<std::string> texts{kProgramExamples, content(DAGRAD_SOURCE_DIR "/README.md")};
  for (const CommandManual& manual : manuals()) texts.push_back(manual.examples);
  std::vector<std::string> result;
  for (const std::string& text : texts) {
    for (std::string command : commands_in(text)) {
      command = shortened(command);
      if (is_long(command)) command = command.substr(0, command.find('|')) + " --help";
      if (!has_jq) command = command.substr(0, command.find('|'));
      result.push_back(std::move(command));
    }
  }
  return result;
}

TEST_F(Examples, RunInAPipe) {
  const std::vector<std::string> commands = shown_commands(shell("command -v jq").code == 0);
  EXPECT_GT(commands.size(), 25u);
  for (const std::string& command : commands) {
    SCOPED_TRACE(command);
    const Outcome r = try_out(command);
    EXPECT_EQ(r.code, 0) << r.err;
    const bool writes_a_file = command.find('>') != std::string::npos || command.find("--output") != std::string::npos;
    EXPECT_FALSE(r.out.empty() && !writes_a_file);
    EXPECT_EQ((r.out + r.err).find('\033'), std::string::npos) << "no colours in a pipe";
  }
}

// The first example of each command: what a terminal changes is the same for all.
TEST_F(Examples, RunOnATerminal) {
  std::set<std::string> seen;
  for (const std::string& command : shown_commands(shell("command -v jq").code == 0)) {
    if (!seen.insert(command.substr(0, command.find(' ', 7))).second) continue;
    SCOPED_TRACE(command);
    // script(1) gives the command a terminal of its own and its exit code.
    std::ofstream(folder_ / "command") << command << "\n";
    const Outcome r = try_out("script --quiet --return --command 'bash -o pipefail command' /dev/null");
    EXPECT_EQ(r.code, 0) << r.out;
  }
}

}  // namespace
}  // namespace dagrad::tools
