#include <fstream>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "tools/progress.h"
#include "tools/suggest.h"
#include "tools/train_options.h"

namespace dagrad::tools {
namespace {

TrainOptions parse(const std::vector<std::string>& arguments) { return parse_train_options(arguments).value(); }

class OptionsFile : public ScratchFolder {};

TEST(Suggest, CountsEdits) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(suggestion("tran", {"train", "help"}), "; did you mean 'train'?");
  EXPECT_EQ(suggestion("zzzzzz", {"train", "help"}), "");
}

TEST(TrainOptions, HaveDefaults) {
  const TrainOptions o = parse({});
  EXPECT_EQ(o.data.kind(), "digits");
  EXPECT_EQ(o.model.hidden_widths(), (std::vector<std::int64_t>{256, 128}));
  EXPECT_EQ(o.optimizer.batch_size, 64);
  EXPECT_EQ(o.output.report, "dagrad-report.html");
}

TEST(TrainOptions, AreRead) {
  const TrainOptions o = parse({"--hidden", "64,32,16", "--lr=0.5", "--optimizer", "sgd", "--quiet", "--batch-size",
                                "0", "--deterministic", "--report", "none"});
  EXPECT_EQ(o.model.hidden_widths(), (std::vector<std::int64_t>{64, 32, 16}));
  EXPECT_EQ(o.optimizer.lr, 0.5);
  EXPECT_EQ(o.optimizer.optimizer, "sgd");
  EXPECT_TRUE(o.output.quiet);
  EXPECT_TRUE(o.running.deterministic);
  EXPECT_TRUE(o.output.report.empty());
  EXPECT_TRUE(parse({"--hidden", "none"}).model.hidden_widths().empty());
}

TEST_F(OptionsFile, MayBeOverruledByTheCommandLine) {
  const auto file = folder_ / "options.ini";
  std::ofstream(file) << "lr = 0.25\nepochs = 3\n# a comment\n";
  const TrainOptions o = parse({"--config", file.string(), "--epochs", "4"});
  EXPECT_EQ(o.optimizer.lr, 0.25);
  EXPECT_EQ(o.optimizer.epochs, 4);
  std::ofstream(file) << "lr=0.5 # warm\n  data = runs#1.csv\r\n\nquiet = true\n";
  const TrainOptions other = parse({"--config", file.string()});
  EXPECT_EQ(other.optimizer.lr, 0.5);
  EXPECT_EQ(other.data.data, "runs#1.csv");
  EXPECT_TRUE(other.output.quiet);
  std::ofstream(file) << "lr 0.25\n";
  expect_error_with<UsageError>(
      [&] {
        parse({"--config", file.string()});
      },
      file.string() + ":1: 'lr 0.25' (want a line like lr = 0.01)");
  std::ofstream(file) << "lrr = 0.25\n";
  expect_error<UsageError>(
      [&] {
        parse({"--config", file.string()});
      },
      file.string() + ": unknown option '--lrr'; did you mean '--lr'? (see dagrad train --help)");
  const std::string none = (folder_ / "none.ini").string();
  expect_error<IoError>(
      [&] {
        parse({"--config", none});
      },
      none + ": cannot be opened: No such file or directory (want a file of options)");
}

TEST(TrainOptions, SayWhatIsWrong) {
  expect_error<UsageError>(
      [] {
        parse({"--optimzer", "sgd"});
      },
      "train: unknown option '--optimzer'; did you mean '--optimizer'? (see dagrad train --help)");
  expect_error_with<UsageError>([] { parse({"--activation", "rellu"}); }, "did you mean 'relu'?");
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
  expect_error<UsageError>([] { parse({"--epochs", "many"}); }, "--epochs: 'many' (want a whole number)");
}

TEST(TrainOptions, SayWhatDoesNotBelongTogether) {
  const auto expect = [](const std::vector<std::string>& arguments, const std::string& message) {
    expect_error<UsageError>([&] { parse(arguments); }, message);
  };
  expect({"--channels", "8"}, "--channels: not with --model mlp (want --model cnn)");
  expect({"--channel-dropout", "0.1"}, "--channel-dropout: not with --model mlp (want --model cnn)");
  expect({"--model", "cnn", "--channel-dropout", "1"}, "--channel-dropout: 1 (want 0 <= p < 1)");
  expect({"--model", "lstm", "--hidden", "64,64"},
         "--hidden: 2 widths (want one, that of the state, for --model lstm)");
  expect({"--noise", "0.1"},
         "--noise: not with --dataset digits (want --dataset xor, spirals, moons, circles, blobs, regression)");
  expect({"--data", "x.csv", "--standardize", "--min-max"}, "--min-max: not together with --standardize");
  expect({"--dataset", "csv"}, "--dataset csv: no file (want --data FILE)");
  expect({"--power", "2"}, "--power: not with --schedule none (want --schedule polynomial)");
  expect({"--patience", "3"}, "--patience: there is nothing to watch (want --validation N as well)");
  expect({"--folds", "1"}, "--folds: 1 (want 2 to 1000)");
  expect({"--clip-norm", "1", "--clip-value", "1"},
         "--clip-value, --clip-norm, --clip-each-norm: several are given (want one)");
  expect({"--augment", "shift=2"}, "--augment: 'shift=2' in 'shift=2' (want a number from 0 to 1, as shift=0.1)");
  expect_error_with<UsageError>([] { parse({"--augment", "flop"}); }, "did you mean 'flip'?");
}

TEST(OptimizerOptions, AreTheOptimizersOwn) {
  const std::vector<Tensor> parameters{zeros({2}).requires_grad_()};
  const auto made = [&](const std::vector<std::string>& arguments) {
    return make_optimizer(parse(arguments).optimizer, parameters);
  };
  EXPECT_EQ(made({})->lr(), 1e-3);
  EXPECT_EQ(made({"--optimizer", "rmsprop"})->lr(), 1e-2);
  EXPECT_EQ(made({"--optimizer", "sgd"})->momentum(), 0.9);
  EXPECT_EQ(made({"--optimizer", "sgd", "--momentum", "0"})->momentum(), 0);
  const auto adam = made({"--beta2", "0.9", "--optimizer-options", "amsgrad=1,bias_correction=0"});
  EXPECT_EQ(adam->option("betas.second"), 0.9);
  EXPECT_EQ(adam->option("amsgrad"), 1);
  EXPECT_EQ(adam->option("bias_correction"), 0);
  expect_error<UsageError>([&] { made({"--beta1", "1"}); }, "--beta1: 1 (want 0 <= beta < 1)");
  expect_error_with<UsageError>(
      [&] {
        made({"--optimizer", "adagrad", "--momentum", "0.5"});
      },
      "--momentum: adagrad has none (its options are lr, lr_decay");
  expect_error_with<UsageError>([&] { made({"--optimizer-options", "amsgard=1"}); }, "did you mean 'amsgrad'?");
  expect_error<UsageError>(
      [&] {
        made({"--optimizer-options", "amsgrad"});
      },
      "--optimizer-options: 'amsgrad' in 'amsgrad' (want NAME=NUMBER,..., as amsgrad=1)");
}

TEST(OptimizerOptions, NameEveryOptimizerWithItsDefaults) {
  const std::string text = optimizers_text();
  for (const char* name : {"adam", "adamw", "sgd", "sgdw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "radam",
                           "lion", "adafactor", "rprop", "lbfgs", "weight-perturbation"}) {
    EXPECT_NE(text.find(std::string("\n  ") + name + " "), std::string::npos) << name;
    parse({"--optimizer", name});
  }
  EXPECT_NE(text.find("lr 0.001, betas.first 0.9"), std::string::npos) << text;
}

TEST(ScheduleOptions, CountInEpochs) {
  const auto rate = [](const std::vector<std::string>& arguments, std::int64_t step) {
    const ScheduleOptions o = parse(arguments).schedule;
    return make_schedule(o, 1, /*steps_per_epoch=*/10, /*epochs=*/4).lr(1, step);
  };
  EXPECT_EQ(rate({}, 39), 1);
  EXPECT_EQ(rate({"--schedule", "step", "--step-size", "2"}, 19), 1);
  EXPECT_DOUBLE_EQ(rate({"--schedule", "step", "--step-size", "2"}, 20), 0.1);
  EXPECT_DOUBLE_EQ(rate({"--schedule", "multi-step", "--milestones", "1,3", "--gamma", "0.5"}, 30), 0.25);
  EXPECT_NEAR(rate({"--schedule", "exponential", "--gamma", "0.5"}, 10), 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(rate({"--schedule", "polynomial"}, 10), 0.75);
  EXPECT_NEAR(rate({"--schedule", "cosine"}, 20), 0.5, 1e-12);
  EXPECT_NEAR(rate({"--schedule", "warm-restarts", "--period", "1"}, 15), 0.5, 1e-12);
  EXPECT_NEAR(rate({"--schedule", "one-cycle", "--rise", "0.25"}, 0), 10 / 25.0, 1e-12);
  EXPECT_GT(rate({"--schedule", "one-cycle", "--rise", "0.25"}, 9), 9);
  EXPECT_DOUBLE_EQ(rate({"--warmup", "1"}, 0), 0.01);
  EXPECT_DOUBLE_EQ(rate({"--warmup", "1"}, 10), 1);
  EXPECT_NEAR(rate({"--warmup", "2", "--schedule", "cosine"}, 30), 0.5, 1e-12);
}

TEST(Progress, WritesDurations) {
  EXPECT_EQ(duration_text(0.2), "1s");
  EXPECT_EQ(duration_text(59), "59s");
  EXPECT_EQ(duration_text(65), "1:05");
  EXPECT_EQ(duration_text(3725), "1:02:05");
}

TEST(Progress, FitsTheTerminal) {
  EXPECT_EQ(bar_text("epoch 1/2", 0.5, "loss 1", "3s", 80, false),
            "epoch 1/2 [============------------] loss 1  ETA 3s");
  EXPECT_EQ(bar_text("epoch 1/2", 0.5, "loss 1", "3s", 37, false), "epoch 1/2 [====-----] loss 1  ETA 3s");
  EXPECT_EQ(bar_text("epoch 1/2", 0.5, "loss 1", "3s", 30, false), "epoch 1/2 loss 1  ETA 3s");
  EXPECT_EQ(bar_text("epoch 1/2", 0.5, "loss 1", "3s", 23, false), "epoch 1/2 loss  ETA 3s");
  EXPECT_EQ(bar_text("epoch 1/2", 1, "x", "0s", 80, true).find("\033[32m[====="), 10u);
}

}  // namespace
}  // namespace dagrad::tools
