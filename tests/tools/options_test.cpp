#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "dagrad/core/error.h"
#include "expect_error.h"
#include "tools/progress.h"
#include "tools/suggest.h"
#include "tools/train_options.h"

namespace dagrad::tools {
namespace {

TrainOptions parse(const std::vector<std::string>& arguments) { return parse_train_options(arguments).value(); }

TEST(Suggest, CountsEdits) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(suggestion("tran", {"train", "help"}), "; did you mean 'train'?");
  EXPECT_EQ(suggestion("zzzzzz", {"train", "help"}), "");
}

TEST(TrainOptions, HaveDefaults) {
  const TrainOptions o = parse({});
  EXPECT_EQ(o.dataset, "digits");
  EXPECT_EQ(o.hidden, (std::vector<std::int64_t>{256, 128}));
  EXPECT_EQ(o.batch_size, 64);
}

TEST(TrainOptions, AreRead) {
  const TrainOptions o = parse({"--hidden", "64,32,16", "--lr=0.5", "--optimizer", "sgd", "--quiet", "--batch-size",
                                "0", "--deterministic", "--report", "none"});
  EXPECT_EQ(o.hidden, (std::vector<std::int64_t>{64, 32, 16}));
  EXPECT_EQ(o.lr, 0.5);
  EXPECT_EQ(o.optimizer, "sgd");
  EXPECT_TRUE(o.quiet);
  EXPECT_TRUE(o.deterministic);
  EXPECT_TRUE(o.report.empty());
  EXPECT_TRUE(parse({"--hidden", "none"}).hidden.empty());
}

TEST(TrainOptions, MayComeFromAFileThatTheCommandLineOverrules) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "dagrad_options_test.ini";
  std::ofstream(file) << "lr = 0.25\nepochs = 3\n# a comment\n";
  const TrainOptions o = parse({"--config", file.string(), "--epochs", "4"});
  EXPECT_EQ(o.lr, 0.25);
  EXPECT_EQ(o.epochs, 4);
  std::ofstream(file) << "lrr = 0.25\n";
  expect_error<UsageError>(
      [&] {
        parse({"--config", file.string()});
      },
      file.string() + ": unknown option '--lrr'; did you mean '--lr'? (see dagrad train --help)");
  std::filesystem::remove(file);
  expect_error<IoError>(
      [&] {
        parse({"--config", file.string()});
      },
      file.string() + ": cannot be opened (want a file of options)");
}

TEST(TrainOptions, SayWhatIsWrong) {
  expect_error<UsageError>(
      [] {
        parse({"--optimzer", "sgd"});
      },
      "train: unknown option '--optimzer'; did you mean '--optimizer'? (see dagrad train --help)");
  expect_error<UsageError>(
      [] {
        parse({"--activation", "rellu"});
      },
      "--activation: 'rellu' (want relu, tanh, sigmoid); did you mean 'relu'?");
  expect_error<UsageError>(
      [] {
        parse({"--hidden", "64,x"});
      },
      "--hidden: 'x' in '64,x' (want widths from 1 to 1000000, like 256,128, or none)");
  expect_error<UsageError>([] { parse({"--dropout", "1"}); }, "--dropout: 1 (want 0 <= p < 1)");
  expect_error<UsageError>([] { parse({"--lr", "nan"}); }, "--lr: nan (want a finite number >= 0)");
  expect_error<UsageError>([] { parse({"--epochs", "0"}); }, "--epochs: 0 (want at least 1)");
  expect_error<UsageError>(
      [] {
        parse({"--dataset", "mnist"});
      },
      "--dataset mnist: no folder (want --data DIR with MNIST's files)");
  expect_error<UsageError>([] { parse({"digits"}); }, "train: takes options only (see dagrad train --help)");
  expect_error_with<UsageError>([] { parse({"--epochs", "many"}); }, "'many'");
}

TEST(Progress, WritesDurations) {
  EXPECT_EQ(duration_text(0.2), "1s");
  EXPECT_EQ(duration_text(59), "59s");
  EXPECT_EQ(duration_text(65), "1:05");
}

}  // namespace
}  // namespace dagrad::tools
