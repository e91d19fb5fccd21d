// The program as its users meet it: on a terminal, in a pipe, with bad input.
#include "tools/program.h"

#include <nlohmann/json.hpp>

namespace dagrad::tools {
namespace {

TEST_F(Program, TrainsAndWritesItsReport) {
  const Outcome r = run(kSmall);
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("test accuracy "), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("report: dagrad-report.html"), std::string::npos);
  EXPECT_EQ(r.err.find('\r'), std::string::npos) << "no bar in a pipe";
  EXPECT_NE(r.err.find("epoch 2/2  loss "), std::string::npos) << r.err;
  const std::string page = content(folder_ / "dagrad-report.html");
  EXPECT_NE(page.find("</html>"), std::string::npos);
  EXPECT_NE(page.find("<path class=\"c0\""), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos) << "the page needs no network";
}

TEST_F(Program, WritesAJsonObjectALine) {
  const Outcome r = run(std::string(kSmall) + "--validation 50 --json - --report none --quiet");
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.err, "");
  std::vector<nlohmann::json> lines;
  std::stringstream stream(r.out);
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["event"], "epoch");
  EXPECT_EQ(lines[1]["epoch"], 2);
  EXPECT_GT(lines[1]["validation_accuracy"].get<double>(), 0.05);
  EXPECT_EQ(lines[2]["event"], "end");
  EXPECT_GT(lines[2]["test_accuracy"].get<double>(), 0.1);
  EXPECT_GT(lines[2]["seconds"].get<double>(), 0);
  EXPECT_FALSE(fs::exists(folder_ / "dagrad-report.html"));
}

TEST_F(Program, RepeatsARunAndDoesSoOnAnyNumberOfThreadsWhenDeterministic) {
  const auto result = [&](const std::string& more) {
    const Outcome r = run(std::string(kSmall) + "--report none --quiet --dropout 0.1 --json - " + more);
    std::stringstream stream(r.out);
    std::string line, losses;
    while (std::getline(stream, line)) {
      const auto object = nlohmann::json::parse(line);
      losses += object.value("train_loss", object.value("test_loss", nlohmann::json())).dump() + " ";
    }
    return losses;
  };
  EXPECT_EQ(result(""), result(""));
  EXPECT_NE(result(""), result("--seed 1"));
  EXPECT_EQ(result("--deterministic --threads 1"), result("--deterministic --threads 2"));
}

TEST_F(Program, ShowsABarOnATerminalOnly) {
  const std::vector<std::string> arguments{"train",    "--samples", "20000",    "--hidden", "64",
                                           "--epochs", "3",         "--report", "none"};
  const std::string shown = run_on_terminal(arguments, true);
  EXPECT_NE(shown.find("ETA"), std::string::npos) << shown;
  EXPECT_NE(shown.find("\033[32m"), std::string::npos);
  EXPECT_EQ(run_on_terminal(arguments, false).find("\033[32m"), std::string::npos);
}

TEST_F(Program, HasAnExitCodeAndALineForEachKindOfTrouble) {
  const auto expect = [&](const std::string& arguments, int code, const std::string& line) {
    const Outcome r = run(arguments);
    EXPECT_EQ(r.code, code) << arguments;
    EXPECT_EQ(r.err, "dagrad: " + line + "\n") << arguments;
    EXPECT_EQ(r.out, "") << arguments;
  };
  expect("tran", 2, "unknown command 'tran'; did you mean 'train'? (see dagrad help)");
  expect("train --epoch 3", 2, "train: unknown option '--epoch'; did you mean '--epochs'? (see dagrad train --help)");
  expect("train --dataset mnist --data nowhere", 3,
         "nowhere: cannot be opened: No such file or directory (want the folder of MNIST's files)");
  expect("train --report nowhere/report.html", 3, "nowhere/report.html: its folder does not exist");
  expect("train --json .", 3, ".: is a folder (want a file)");
  expect("train --validation 10000", 2, "--validation: 10000 of 10000 training samples (want fewer)");
}

TEST_F(Program, StopsAtALossThatIsNoNumberAndLeavesNoReport) {
  const Outcome r = run(std::string(kSmall) + "--optimizer sgd --lr 1e30 --json log.json --quiet");
  EXPECT_EQ(r.code, 4);
  EXPECT_EQ(r.err.rfind("dagrad: train: the loss is ", 0), 0u) << r.err;
  EXPECT_NE(r.err.find("in epoch 1, step "), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "dagrad-report.html"));
  EXPECT_EQ(nlohmann::json::parse(content(folder_ / "log.json"))["event"], "error");
}

TEST_F(Program, NamesTheOpOfAnAnomaly) {
  const Outcome r = run(std::string(kSmall) + "--optimizer sgd --lr 1e30 --detect-anomaly --quiet --report none");
  EXPECT_EQ(r.code, 4);
  EXPECT_NE(r.err.find("anomaly: "), std::string::npos) << r.err;
  EXPECT_EQ(r.err.find("include/c++"), std::string::npos) << r.err;
}

TEST_F(Program, TestsAndReportsWhatThereIsOnAnInterrupt) {
  const Outcome r =
      run("train --samples 300 --epochs 10000000 --quiet", "timeout --foreground --preserve-status -s INT 2");
  EXPECT_EQ(r.code, 130) << r.err;
  EXPECT_EQ(r.out.rfind("interrupted; test accuracy ", 0), 0u) << r.out;
  EXPECT_NE(content(folder_ / "dagrad-report.html").find("interrupted"), std::string::npos);
}

TEST_F(Program, NoticesThatItsOutputIsFull) {
  const std::string command = "'" DAGRAD_PROGRAM "' train --help >/dev/full 2>'" + (folder_ / "err").string() + "'";
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(content(folder_ / "err"), "dagrad: standard output: cannot be written: No space left on device\n");
}

TEST_F(Program, ExplainsItself) {
  const Outcome help = run("--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("Examples:"), std::string::npos);
  EXPECT_NE(help.out.find("Exit codes:"), std::string::npos);
  const Outcome train = run("train --help");
  EXPECT_EQ(train.code, 0);
  for (const char* option : {"--dataset", "--data", "--hidden", "--activation", "--dropout", "--init", "--optimizer",
                             "--lr", "--batch-size", "--epochs", "--seed", "--threads", "--config", "--json"}) {
    EXPECT_NE(train.out.find(option), std::string::npos) << option;
  }
  EXPECT_NE(run("version").out.find("oneDNN"), std::string::npos);
  EXPECT_EQ(run("").code, 2);
}

TEST_F(Program, ReachesItsAccuracyOnTheBuiltInDigits) {
  const Outcome r = run("train --json - --report none --quiet");
  const auto end = nlohmann::json::parse(r.out.substr(r.out.rfind("{\"event\":\"end\"")));
  EXPECT_GE(end["test_accuracy"].get<double>(), 0.97);
  const Outcome linear = run("train --hidden none --json - --report none --quiet");
  const auto linear_end = nlohmann::json::parse(linear.out.substr(linear.out.rfind("{\"event\":\"end\"")));
  EXPECT_LT(linear_end["test_accuracy"].get<double>(), 0.94) << "a linear model should stay clearly below";
}

TEST_F(Program, ReachesItsAccuracyOnMnist) {
  const char* shared = std::getenv("DAGRAD_SHARED");
  const fs::path data = fs::path(shared != nullptr ? shared : DAGRAD_SOURCE_DIR "/../shared") / "data/mnist";
  if (!fs::exists(data)) GTEST_SKIP() << "no MNIST files in " << data << " (set DAGRAD_SHARED)";
  const Outcome r = run("train --dataset mnist --data '" + data.string() + "' --json - --report none --quiet");
  const auto end = nlohmann::json::parse(r.out.substr(r.out.rfind("{\"event\":\"end\"")));
  EXPECT_GE(end["test_accuracy"].get<double>(), 0.945);
}

}  // namespace
}  // namespace dagrad::tools
