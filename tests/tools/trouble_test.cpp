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
  expect("inspect none.npz", 3,
         "none.npz: cannot be opened: No such file or directory (want a .safetensors, .npz or .npy file)");
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

TEST_F(Trouble, WithValuesOfAnotherType) {
  const std::string whole = "whole number from -9223372036854775808 to 9223372036854775807";
  expect("train --epochs abc", 2, "--epochs: 'abc' (want a whole number)");
  expect("train --epochs 3.5", 2, "--epochs: '3.5' (want a whole number)");
  expect("train --epochs 99999999999999999999", 2, "--epochs: '99999999999999999999' (want a " + whole + ")");
  expect("train --lr 0,1", 2, "--lr: '0,1' (want a number)");
  expect("train --clip-norm x", 2, "--clip-norm: 'x' (want a number)");
  expect("train --patience soon", 2, "--patience: 'soon' (want a whole number)");
  expect("train --seed -1", 2, "--seed: '-1' (want a whole number from 0 to 18446744073709551615)");
  expect("bench --threads two", 2, "--threads: 'two' (want a whole number)");
  std::ofstream(folder_ / "net.ini") << "# options\nepochs = 2\nbatch-size = many\n";
  expect("train --config net.ini", 2, "net.ini: --batch-size: 'many' (want a whole number)");
  std::ofstream(folder_ / "bool.ini") << "bf16 = perhaps\n";
  expect("train --config bool.ini", 2, "bool.ini: --bf16: 'perhaps' (want true or false)");
}

TEST_F(Trouble, WithHowOptionsAreGiven) {
  expect("train --epochs", 2, "--epochs: no value (want a whole number)");
  expect("train --epochs=", 2, "--epochs: no value (want a whole number)");
  expect("train --save", 2, "--save: no value (want FILE)");
  expect("train --quiet=3", 2, "--quiet: takes no value (see dagrad train --help)");
  expect("train --epochs 3 --epochs 4", 2, "--epochs: is given more than once (see dagrad train --help)");
  expect("train -x", 2, "train: unknown option '-x' (see dagrad train --help)");
  expect("eval a.safetensors b.safetensors", 2, "eval: 'b.safetensors' is one word too many (see dagrad eval --help)");
  expect("predict a.safetensors b.csv c.csv", 2, "predict: 'c.csv' is one word too many (see dagrad predict --help)");
  expect("completion", 2, "completion: no shell (want bash or zsh)");
  expect("version 2", 2, "version: '2' is one word too many");
  expect("help train eval", 2, "help: 'eval' is one word too many (want one command)");
  expect("gradcheck foo", 2, "gradcheck: no op 'foo' (see dagrad gradcheck --list)");
  fs::create_directory(folder_ / "folder");
  expect("train --config folder", 3, "folder: is a folder (want a file of options)");
  std::ofstream(folder_ / "line.ini") << "epochs = 2\nlr 0.1\n";
  expect("train --config line.ini", 2, "line.ini:2: 'lr 0.1' (want a line like lr = 0.01)");
}

TEST_F(Trouble, WithWhatIsNoModelAndNoData) {
  fs::create_directory(folder_ / "folder");
  std::ofstream(folder_ / "short.safetensors") << "none";
  std::ofstream(folder_ / "text.safetensors") << "this is no safetensors file, but it is long enough";
  std::ofstream(folder_ / "text.csv") << "a,b\n1,2\n";
  const std::string model = "a .safetensors file that dagrad train --save wrote";
  for (const std::string command : {"eval ", "graph ", "predict --input text.csv "}) {
    expect(command + "none", 3, "none: cannot be opened: No such file or directory (want " + model + ")");
    expect(command + "none.safetensors", 3,
           "none.safetensors: cannot be opened: No such file or directory (want " + model + ")");
    expect(command + "folder", 3, "folder: is a folder (want " + model + ")");
    expect(command + "text.csv", 3, "text.csv: is no model (want " + model + ")");
    expect(command + "short.safetensors", 3,
           "short.safetensors: is no safetensors file: it has 4 bytes (want at least the 8 of its header's size)");
    const Outcome r = run(command + "text.safetensors");
    EXPECT_EQ(r.code, 3);
    EXPECT_EQ(r.err.rfind("dagrad: text.safetensors: is no safetensors file: its header would have ", 0), 0u) << r.err;
  }
  expect("inspect none", 3,
         "none: cannot be opened: No such file or directory (want a .safetensors, .npz or .npy file)");
  expect("inspect folder", 3, "folder: is a folder (want a .safetensors, .npz or .npy file)");
  expect("train --data none", 3,
         "none: cannot be opened: No such file or directory (want the folder of MNIST's files)");
  expect("train --data none.csv", 3, "none.csv: cannot be opened: No such file or directory");
}

TEST_F(Trouble, WithFilesThatWouldOverwriteEachOther) {
  std::ofstream(folder_ / "x.csv") << "a,b\n1,2\n";
  fs::create_directory(folder_ / "folder");
  expect("train --data x.csv --report x.csv", 2, "--data and --report: both are 'x.csv' (want different files)");
  expect("train --save a.safetensors --checkpoint folder/../a.safetensors", 2,
         "--save and --checkpoint: both are 'folder/../a.safetensors' (want different files)");
  expect("train --save a.safetensors --json a.ini", 2,
         "--json and --save's options: both are 'a.ini' (want different files)");
  expect("predict net.safetensors x.csv --output x.csv", 2,
         "--input and --output: both are 'x.csv' (want different files)");
  expect("train --json none/log.json", 3, "none/log.json: its folder does not exist");
  EXPECT_EQ(content(folder_ / "x.csv"), "a,b\n1,2\n");
  // To read one file twice is no harm, nor to write two streams into nothing.
  std::string table = "a,b\n";
  for (int i = 0; i < 40; ++i) table += std::to_string(i) + (i % 2 == 0 ? ",p\n" : ",q\n");
  std::ofstream(folder_ / "t.csv") << table;
  expect("train --data t.csv --test t.csv --hidden 2 --epochs 1 --quiet --report /dev/null --json /dev/null", 0, "");
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
