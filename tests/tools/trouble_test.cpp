// What goes wrong around the program: one clear line each, a documented exit code, and nothing left half-written.
#include <algorithm>
#include <gtest/gtest.h>
#include <iterator>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/nn/io/npz.h"
#include "tools/program.h"

namespace dagrad::tools {
namespace {

class Trouble : public Program {
 protected:
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  void expect(const std::string& arguments, int code, const std::string& line) const {
    const Outcome r = run(arguments);
    EXPECT_EQ(r.code, code) << arguments;
    EXPECT_EQ(r.err, line.empty() ? "" : "dagrad: " + line + "\n") << arguments;
  }
};

TEST_F(Trouble, WithFilesThatAreMissingOrOfAnotherFormat) {
  std::ofstream(folder_ / "text.safetensors") << "this is no safetensors file, but it is long enough";
  std::ofstream(folder_ / "text.npz") << "nor is this an archive";
  std::ofstream(folder_ / "text.md") << "# nor this";
  expect("inspect none.npz", 3, "none.npz: cannot be opened: No such file or directory");
  for (const char* file : {"text.safetensors", "text.npz"}) {
    const Outcome r = run(std::string("inspect ") + file);
    EXPECT_EQ(r.code, 3) << r.err;
    EXPECT_EQ(r.err.rfind(std::string("dagrad: ") + file + ": ", 0), 0u) << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
  EXPECT_EQ(run("inspect text.md").code, 2) << "the name says what it is not";
  EXPECT_EQ(run("graph text.safetensors").code, 3);
  expect("inspect", 2, "inspect: 0 files (want one; see dagrad inspect --help)");
  expect("inspect text.npz --match '('", 2, "--match: '(' (want a regular expression, like 'weight$')");
}

TEST_F(Trouble, WithOptions) {
  expect("graph --lvel 1", 2, "graph: unknown option '--lvel'; did you mean '--level'? (see dagrad graph --help)");
  expect("graph --input 1,x", 2, "--input: 'x' in '1,x' (want sizes from 1 to 1000000, like 256,128, or none)");
  expect("graph --model cnn --input 7", 2, "--model cnn: a sample is [7] (want an image, [C, H, W] or [H, W])");
  expect("completion fish", 2, "--shell: 'fish' (want bash, zsh); did you mean 'bash'?");
  expect("help trian", 2, "unknown command 'trian'; did you mean 'train'? (see dagrad help)");
}

TEST_F(Trouble, WithANumberThatIsNotFinite) {
  io::save_npz({{"good", ones({3})}, {"bad", full({2, 2}, std::numeric_limits<double>::infinity())}},
               folder_ / "a.npz");
  EXPECT_EQ(run("inspect a.npz").code, 0);
  const Outcome r = run("inspect a.npz --check");
  EXPECT_EQ(r.code, 1);
  EXPECT_NE(r.out.find("4 not finite"), std::string::npos) << r.out;
  EXPECT_EQ(run("inspect a.npz --check --match good").code, 0);
}

TEST_F(Trouble, WithAFullDisk) {
  expect("graph --hidden 4 --batch 2 --seconds 0 --out none --json /dev/full", 3,
         "/dev/full: cannot be written: No space left on device");
  EXPECT_TRUE(fs::is_character_file("/dev/full")) << "a device must not be replaced";
  const Outcome r = shell("'" DAGRAD_PROGRAM "' bench --list > /dev/full");
  EXPECT_EQ(r.code, 3);
  EXPECT_EQ(r.err, "dagrad: standard output: cannot be written: No space left on device\n");
}

TEST_F(Trouble, WithAClosedPipe) {
  // The reader is gone before the program writes; the shell would show the code of the last command alone.
  const Outcome r =
      shell("set -o pipefail; (sleep 0.5; '" DAGRAD_PROGRAM "' bench --list; echo \"code $?\" >&2) | true");
  EXPECT_EQ(r.err, "dagrad: standard output: cannot be written: Broken pipe\ncode 3\n");
}

TEST_F(Trouble, WithCtrlC) {
  const Outcome r = run("bench matmul --size large --seconds 3600 --json figures.json",
                        "timeout --foreground --preserve-status -s INT 2");
  EXPECT_EQ(r.code, 130);
  EXPECT_EQ(r.err, "\ndagrad: interrupted\n");
  EXPECT_EQ(files(), 2u) << "its outputs alone, which the shell made";
}

TEST_F(Trouble, WithAFolderThatIsNotThere) {
  expect("graph --hidden 4 --out nowhere/graph", 3, "nowhere/graph.dot: its folder does not exist");
  expect("graph --hidden 4 --report nowhere/a.html", 3, "nowhere/a.html: its folder does not exist");
  EXPECT_EQ(files(), 2u) << "nothing was begun";
}

}  // namespace
}  // namespace dagrad::tools
