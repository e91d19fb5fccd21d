// Trainings as options describe them, without the program around them.
#include "tools/training.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"
#include "scratch_folder.h"
#include "tools/dry_run.h"
#include "tools/report.h"
#include "tools/train_options.h"

namespace dagrad::tools {
namespace {

struct Trained {
  TrainOptions options;
  LoadedData data;
  TrainingResult result;
};

Trained run(std::vector<std::string> arguments, const TrainingEvents& events = {}) {
  arguments.insert(arguments.begin(), {"--report", "none"});
  Trained r{parse_train_options(arguments).value(), {}, {}};
  r.data = load_data(r.options.data);
  r.result = train(r.options, r.data, events);
  return r;
}

/// Two half circles in an instant.
std::vector<std::string> moons(std::vector<std::string> more = {}) {
  const std::vector<std::pair<std::string, std::string>> usual{
      {"--dataset", "moons"}, {"--samples", "400"}, {"--hidden", "16"}, {"--epochs", "4"}, {"--threads", "1"}};
  for (const auto& [option, value] : usual) {
    if (std::find(more.begin(), more.end(), option) == more.end()) more.insert(more.end(), {option, value});
  }
  return more;
}

class TrainingFile : public ScratchFolder {};

double accuracy(std::vector<std::string> more) { return run(moons(std::move(more))).result.mean_figure(); }

TEST_F(TrainingFile, MayNotBeATableWhoseTextsCannotBeSaved) {
  const std::string file = (folder_ / "latin1.csv").string();
  std::ofstream(file) << "x,label\n1,tea\n2,caf\xe9\n3,tea\n4,caf\xe9\n";
  expect_error<IoError>(
      [&] {
        load_data(parse_train_options({"--data", file})->data);
      },
      file + ": \"caf\xef\xbf\xbd\" is not UTF-8 (want it so: iconv -f latin1 -t utf-8)");
}

TEST(Training, WorksWithEveryOptimizer) {
  const std::vector<std::vector<std::string>> cases{
      {"adam", "0.02"},   {"adamw", "0.02"},    {"sgd", "0.1"},     {"sgdw", "0.1"},   {"rmsprop", "0.02"},
      {"adagrad", "0.1"}, {"adadelta", "1"},    {"adamax", "0.02"}, {"nadam", "0.02"}, {"radam", "0.05"},
      {"lion", "0.005"},  {"adafactor", "0.1"}, {"rprop", "0.01"},  {"lbfgs", "1"},    {"weight-perturbation", "0.05"}};
  for (const auto& one : cases)
    EXPECT_GT(accuracy({"--optimizer", one[0], "--lr", one[1], "--batch-size",
                        one[0] == "rprop" || one[0] == "lbfgs" ? "0" : "16"}),
              one[0] == "weight-perturbation" || one[0] == "rprop" ? 0.5 : 0.8)
        << one[0];
}

TEST(Training, WorksWithEveryScheduleClippingAndPenalty) {
  for (const char* schedule :
       {"step", "multi-step", "exponential", "polynomial", "cosine", "warm-restarts", "one-cycle", "plateau"})
    EXPECT_GT(accuracy({"--schedule", schedule, "--lr", "0.02"}), 0.8) << schedule;
  EXPECT_GT(accuracy({"--warmup", "0.5", "--schedule", "cosine", "--lr", "0.02"}), 0.8);
  for (const char* clip : {"--clip-value", "--clip-norm", "--clip-each-norm"})
    EXPECT_GT(accuracy({clip, "0.1", "--lr", "0.02"}), 0.8) << clip;
  const std::vector<std::vector<std::string>> cases{{"--l1", "1e-4"},
                                                    {"--l2", "1e-4"},
                                                    {"--label-smoothing", "0.1"},
                                                    {"--mixup", "0.2"},
                                                    {"--augment", "noise=0.05"},
                                                    {"--ema", "0.9"},
                                                    {"--bf16"},
                                                    {"--standardize"},
                                                    {"--min-max"},
                                                    {"--norm", "batch"}};
  for (std::vector<std::string> more : cases) {
    const std::string name = more[0];
    more.insert(more.end(), {"--lr", "0.02"});
    EXPECT_GT(accuracy(std::move(more)), 0.8) << name;
  }
}

TEST(Training, FollowsItsScheduleStepByStep) {
  std::vector<double> rates;
  TrainingEvents events;
  events.step = [&](const TrainingView&, const nn::StepRecord& step) { rates.push_back(step.lr); };
  run(moons({"--batch-size", "200", "--lr", "0.1", "--schedule", "step", "--step-size", "2"}), events);
  EXPECT_EQ(rates.size(), 8u);
  EXPECT_DOUBLE_EQ(rates[3], 0.1);
  EXPECT_NEAR(rates[4], 0.01, 1e-15);
}

TEST(Training, KeepsTheBestEpochsWeights) {
  const Trained r = run(moons({"--validation", "100", "--patience", "2", "--epochs", "60", "--lr", "0.1"}));
  const nn::History& history = r.result.runs[0].history;
  ASSERT_GT(history.best_epoch, 0);
  EXPECT_LT(history.epochs.size(), 60u);
  // The model is the one whose validation was best, so it scores that again.
  nn::Sequential network = r.result.runs[0].network;
  const Evaluation again = evaluate(outputs_of(network, r.data.validation.features), r.data.validation, r.data.classes);
  EXPECT_NEAR(again.loss, history.epochs[static_cast<std::size_t>(history.best_epoch - 1)].validation->loss, 1e-6);
}

TEST_F(TrainingFile, LetsARunGoOnAsIfNothingHadHappened) {
  const std::string file = (folder_ / "training.ckpt").string();
  const std::vector<std::string> options = moons({"--hidden", "8,8", "--dropout", "0.2", "--norm", "batch", "--ema",
                                                  "0.9", "--schedule", "cosine", "--mixup", "0.2", "--clip-norm", "1"});
  const std::vector<float> whole = run(options).result.test_outputs.to_vector<float>();
  std::vector<std::string> first = options;
  first.insert(first.end(), {"--checkpoint", file});
  int steps = 0;
  TrainingEvents events;
  events.stop = [&] { return ++steps == 10; };  // in the second epoch of seven steps each
  const Trained stopped = run(first, events);
  EXPECT_TRUE(stopped.result.interrupted());
  EXPECT_NE(stopped.result.test_outputs.to_vector<float>(), whole);
  const Trained resumed = run({"--resume", file});
  EXPECT_EQ(resumed.options.run(), stopped.options.run()) << "the options come with the checkpoint";
  EXPECT_EQ(resumed.result.runs[0].history.epochs.size(), 4u);
  EXPECT_EQ(resumed.result.test_outputs.to_vector<float>(), whole);
}

TEST(Training, AveragesAnEnsemble) {
  const Trained r = run(moons({"--ensemble", "3", "--bagging"}));
  ASSERT_EQ(r.result.runs.size(), 3u);
  ASSERT_EQ(r.result.evaluations.size(), 3u);
  EXPECT_NE(r.result.evaluations[0].loss, r.result.evaluations[1].loss);
  double mean = 0;
  for (const Evaluation& member : r.result.evaluations) mean += member.loss / 3;
  EXPECT_LE(r.result.test->loss, mean) << "the mean probability is better than its parts on average";
}

TEST(Training, ValidatesOnEachFoldOnce) {
  const Trained r = run(moons({"--folds", "4", "--lr", "0.05"}));
  ASSERT_EQ(r.result.evaluations.size(), 4u);
  std::int64_t samples = 0;
  for (const Evaluation& fold : r.result.evaluations) samples += fold.samples;
  EXPECT_EQ(samples, 400);
  EXPECT_FALSE(r.result.test.has_value());
  EXPECT_GT(r.result.mean_figure(), 0.7);
  EXPECT_GT(r.result.deviation_of_figure(), 0);
}

TEST(Training, LearnsNumbers) {
  const Trained r = run({"--dataset", "regression", "--samples", "500", "--features", "3", "--hidden", "none", "--lr",
                         "1", "--epochs", "40", "--threads", "1"});
  EXPECT_GT(r.result.mean_figure(), 0.999);
  EXPECT_EQ(r.result.test->numbers->mse, r.result.test->loss);
}

TEST(Training, LearnsFromImagesWithEveryModel) {
  const std::vector<std::string> small{"--samples", "200", "--epochs", "1"};
  for (const char* model : {"mlp", "linear", "cnn", "lstm", "gru", "rnn"}) {
    std::vector<std::string> arguments = small;
    arguments.insert(arguments.end(), {"--model", model});
    if (std::string(model) == "cnn")
      arguments.insert(arguments.end(), {"--channels", "4", "--augment", "shift,rotate"});
    EXPECT_GT(run(arguments).result.mean_figure(), 0.05) << model;
  }
}

TEST(Training, IsMeasuredWithoutBeingDone) {
  const TrainOptions options = parse_train_options(moons({"--dry-run", "--report", "none"})).value();
  const std::string text = dry_run_text(options, load_data(options.data));
  for (const char* part : {"Linear(2, 16)", "training      400", "optimizer", "activations", "28 in all"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Report, ShowsWhatThereIs) {
  const auto page = [](std::vector<std::string> arguments) {
    const TrainOptions options = parse_train_options(arguments).value();
    const LoadedData data = load_data(options.data);
    TrainingResult result = train(options, data, {});
    return report_page(options, result, data);
  };
  const auto expect = [](const std::string& html, const std::vector<std::string>& parts) {
    EXPECT_NE(html.find("</html>"), std::string::npos);
    EXPECT_EQ(html.find("http"), std::string::npos) << "the page needs no network";
    for (const std::string& part : parts) EXPECT_NE(html.find(part), std::string::npos) << part;
  };
  expect(page(moons()), {">Boundaries<", "Learning rate", "Norm of the gradients", ">Confusion matrix<",
                         "Weights over time", "Area under the ROC curve"});
  expect(page({"--samples", "200", "--epochs", "1", "--model", "cnn"}),
         {">Learned filters<", ">Mistakes<", "taken for", "data:image/bmp"});
  expect(page({"--samples", "200", "--epochs", "1"}), {"What the first layer looks for", "epoch 1"});
  expect(page({"--dataset", "regression", "--samples", "100", "--epochs", "1"}), {">Numbers<", "RMSE", "R2"});
  expect(page(moons({"--folds", "2"})), {">Folds<", "fold 2 of 2", "over 2 folds"});
  expect(page(moons({"--ensemble", "2"})), {">Members<", "member 1 of 2"});
}

TEST(Evaluation, CountsByClass) {
  const Tensor outputs = reshape(tensor({2, 0, 2, 0, 0, 2, 2, 0}), {4, 2});
  const data::Dataset dataset{zeros({4, 1}), tensor(std::vector<std::int64_t>{0, 1, 1, 0}), 2};
  const Evaluation e = evaluate(outputs, dataset, {"no", "yes"});
  EXPECT_EQ(e.classes->accuracy, 0.75);
  EXPECT_EQ(e.classes->precision, 1);
  EXPECT_EQ(e.classes->recall, 0.5);
  EXPECT_NEAR(e.classes->f1, 2.0 / 3, 1e-12);
  EXPECT_EQ(*e.classes->auc, 0.75);
  EXPECT_EQ(e.classes->confusion, (std::vector<std::int64_t>{2, 0, 1, 1}));
  const auto json = to_json(e);
  EXPECT_EQ(json["confusion"][1][0], 1);
  EXPECT_EQ(json["classes"][1]["name"], "yes");
  EXPECT_NE(text_of(e).find("75.00%"), std::string::npos);
}

}  // namespace
}  // namespace dagrad::tools
