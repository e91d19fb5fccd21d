// dagrad train, eval and predict as their users meet them.
#include <nlohmann/json.hpp>

#include "dagrad/core/creation.h"
#include "dagrad/nn/io/npy.h"
#include "dagrad/nn/io/npz.h"
#include "dagrad/nn/normalization.h"
#include "dagrad/ops/view.h"
#include "tools/program.h"
#include "tools/report.h"
#include "tools/train_display.h"
#include "tools/training.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::json;

/// The last object of `--json -`.
Json end_of(const Outcome& r) {
  EXPECT_EQ(r.err, "");
  const std::size_t at = r.out.rfind("{\"event\":\"end\"");
  return at == std::string::npos ? Json() : Json::parse(r.out.substr(at));
}

/// Points that a text and a number tell apart.
std::string table(int rows) {
  std::string text = "size,colour,kind\n";
  for (int i = 0; i < rows; ++i) {
    const bool is_cat = i % 3 != 0;
    text += std::to_string(is_cat ? 2 + i % 5 : 30 + i % 7) + (i % 2 == 0 ? ",red," : ",blue,") +
            (is_cat ? "cat" : "dog") + "\n";
  }
  return text;
}

class Train : public Program {
 protected:
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
};

TEST_F(Train, SavesAModelThatEvalAndPredictRead) {
  write("table.csv", table(300));
  const Outcome trained =
      run("train --data table.csv --standardize --hidden 8 --epochs 5 --lr 0.05 --save net.safetensors "
          "--json - --quiet --report none");
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Json end = end_of(trained);
  EXPECT_GT(end["test_accuracy"], 0.95);
  // The test part again, to the last bit.
  const Outcome evaluated = run("eval net.safetensors --json -");
  EXPECT_EQ(Json::parse(evaluated.out), end["test"]) << evaluated.err;
  EXPECT_NE(run("eval net.safetensors").out.find("cat"), std::string::npos);
  EXPECT_EQ(Json::parse(run("eval net.safetensors --data table.csv --json -").out)["samples"], 300);

  write("x.csv", "colour,size\nred,3\nblue,33\n");
  const Outcome predicted = run("predict net.safetensors --input x.csv");
  EXPECT_EQ(predicted.out.rfind("prediction,p_cat,p_dog\ncat,0.", 0), 0u) << predicted.out << predicted.err;
  EXPECT_NE(predicted.out.find("\ndog,0."), std::string::npos);
  EXPECT_EQ(run("predict net.safetensors x.csv").out, predicted.out);
  EXPECT_EQ(run("predict net.safetensors --input x.csv --output y.npz").code, 0);
  const io::NamedTensors arrays = io::load_npz(folder_ / "y.npz");
  EXPECT_EQ(io::find(arrays, "prediction").to_vector<int>(), (std::vector<int>{0, 1}));
  EXPECT_EQ(io::find(arrays, "probability").shape(), (Shape{2, 2}));
  EXPECT_EQ(run("predict net.safetensors --input x.csv --output y.csv").code, 0);
  EXPECT_EQ(content(folder_ / "y.csv"), predicted.out);

  // The options beside the model make the same run.
  const Outcome again = run("train --config net.ini --json - --quiet --report none");
  EXPECT_EQ(end_of(again)["test"], end["test"]);
}

TEST_F(Train, PredictsNumbersAndImages) {
  ASSERT_EQ(
      run("train --dataset regression --samples 200 --features 3 --hidden none --lr 1 --epochs 30 --save r.safetensors "
          "--report none --quiet")
          .code,
      0);
  write("x.csv", "a,b,c\n0,0,0\n1,1,1\n");
  const Outcome numbers = run("predict r.safetensors --input x.csv");
  EXPECT_EQ(numbers.out.rfind("prediction\n", 0), 0u) << numbers.out << numbers.err;
  EXPECT_NE(run("eval r.safetensors").out.find("R2"), std::string::npos);
  ASSERT_EQ(run("train --samples 200 --epochs 1 --model cnn --channels 4 --ensemble 2 --save c.safetensors --report "
                "none --quiet")
                .code,
            0);
  io::save_npy(zeros({5, 1, 28, 28}), folder_ / "x.npy");
  EXPECT_EQ(run("predict c.safetensors --input x.npy --output y.npy").code, 0);
  EXPECT_EQ(io::load_npy(folder_ / "y.npy").shape(), (Shape{5, 10}));
}

TEST_F(Train, ReadsEveryKindOfFile) {
  std::vector<double> features, labels;
  std::string csv, images;
  for (int i = 0; i < 60; ++i) {
    const int label = i % 2;
    features.insert(features.end(), {label + i % 5 * 0.1, label - i % 3 * 0.1});
    labels.push_back(label);
    csv += (i % 20 == 7 ? std::string() : std::to_string(features[2 * static_cast<std::size_t>(i)])) + "\t" +
           (label == 0 ? "oak" : "elm") + "\n";
    images.push_back(static_cast<char>(label));
    images += std::string(3072, static_cast<char>(200 * label + i % 7));
  }
  io::save_npy(tensor(features, {60, 2}), folder_ / "x.npy");
  io::save_npy(to(tensor(labels, {60}), i64), folder_ / "classes.npy");
  io::save_npy(tensor(labels, {60}), folder_ / "numbers.npy");
  io::save_npz({{"x", tensor(features, {60, 2})}, {"y", to(tensor(labels, {60}), i64)}}, folder_ / "xy.npz");
  write("t.csv", csv);
  fs::create_directories(folder_ / "cifar");
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"})
    write("cifar/" + std::string(name) + ".bin", images);

  const std::string rest = " --epochs 30 --batch-size 8 --lr 0.02 --quiet --report none --json -";
  for (const char* data :
       {"x.npy --labels classes.npy", "xy.npz", "t.csv --no-header --separator tab --missing drop"}) {
    const Outcome r = run("train --hidden 8 --data " + std::string(data) + rest);
    EXPECT_EQ(end_of(r)["test_accuracy"], 1.0) << data;
  }
  EXPECT_GT(end_of(run("train --hidden 8 --data x.npy --labels numbers.npy" + rest))["test"]["r2"], 0.8);
  EXPECT_EQ(end_of(run(
                "train --model cnn --channels 2 --hidden none --data cifar --epochs 20 --lr 0.02 --quiet --report none "
                "--json - --samples 40"))["test_accuracy"],
            1.0);
}

TEST_F(Train, SaysWhatIsWrongWithModelsAndInputs) {
  write("table.csv", table(60));
  ASSERT_EQ(run("train --data table.csv --epochs 1 --hidden 4 --save net.safetensors --quiet --report none").code, 0);
  write("x.csv", "size,colour\n3,green\n");
  write("y.csv", "size\n3\n");
  const auto expect = [&](const std::string& arguments, int code, const std::string& line) {
    const Outcome r = run(arguments);
    EXPECT_EQ(r.code, code) << arguments;
    EXPECT_EQ(r.err, "dagrad: " + line + "\n") << arguments;
    EXPECT_EQ(r.out, "") << arguments;
  };
  expect("predict net.safetensors --input x.csv", 3, "x.csv:2: column 'colour' has 'green' (want one of blue, red)");
  expect("predict net.safetensors --input y.csv", 3,
         "y.csv: has the columns size (want 'colour' as well, like the table that was trained on)");
  expect("predict net.safetensors none.csv", 3,
         "none.csv: cannot be opened: No such file or directory (want a .csv or .npy file)");
  expect("predict net.safetensors", 2,
         "predict: no input (want a file behind the model's, or --input FILE: a .csv or .npy)");
  expect("predict net.safetensors --input x.csv --output y.txt", 2,
         "--output: 'y.txt' (want a name that ends in .csv, .npy or .npz, or - for stdout)");
  expect("eval table.csv", 3, "table.csv: is no model (want a .safetensors file that dagrad train --save wrote)");
  expect("eval net.safetensors --part validation", 2,
         "--part validation: the model was trained without one (want test or train)");
  io::save_npy(zeros({5, 7}), folder_ / "x.npy");
  expect("predict net.safetensors --input x.npy", 3,
         "x.npy: samples are [5, 7] (want [N, 3], as the model takes them, and at least one)");
  expect("train --save net.pt", 3, "net.pt: is no name for a model (want one that ends in .safetensors)");
  expect("train --data table.csv --label colours", 3,
         "table.csv: has no column 'colours' (want one of size, colour, kind)");
  EXPECT_EQ(run("train --resume table.csv").code, 3);
  io::save_npy(zeros({5}), folder_ / "flat.npy");
  expect("train --data flat.npy --labels flat.npy", 3, "flat.npy: features are [5] (want [N, ...], samples first)");
  expect("train --data net.safetensors", 2,
         "--data: 'net.safetensors' (want a folder, or a file that ends in .csv, .npz or .npy, or --dataset)");
  expect("train --dataset cifar10 --data table.csv", 2,
         "--dataset cifar10: 'table.csv' is a file (want the folder of its files)");
}

TEST_F(Train, WritesACheckpointOnAnInterruptAndSaysHowToGoOn) {
  const std::string options = "train --samples 300 --hidden 8 --dropout 0.2 --threads 1 --quiet --report none ";
  const Outcome r =
      run(options + "--epochs 10000000 --checkpoint run.ckpt", "timeout --foreground --preserve-status -s INT 1");
  EXPECT_EQ(r.code, 130) << r.err;
  EXPECT_NE(r.out.find("to go on: dagrad train --resume run.ckpt\n"), std::string::npos) << r.out;
  // To the end of the epoch that was interrupted, and the same without an interrupt.
  const Json stopped = end_of(run("train --resume run.ckpt --epochs 1 --quiet --report none --json -"));
  const std::string epochs = std::to_string(stopped["epochs"].get<std::int64_t>() + 1);
  const Json resumed = end_of(run("train --resume run.ckpt --quiet --report none --json - --epochs " + epochs));
  const Json whole = end_of(run(options + "--json - --epochs " + epochs));
  EXPECT_EQ(resumed["steps"], whole["steps"]);
  EXPECT_EQ(resumed["test"], whole["test"]);
}

TEST_F(Train, ShowsRateAndGradientsOnATerminal) {
  const std::string shown =
      run_on_terminal({"train", "--samples", "20000", "--hidden", "64", "--epochs", "2", "--report", "none"}, false);
  for (const char* part : {"loss ", "accuracy ", "lr 0.001", "/s", "gradient ", "ETA "})
    EXPECT_NE(shown.find(part), std::string::npos) << part << shown;
}

TEST_F(Train, CapturesItsStepsAndGivesTheSame) {
  for (const std::string options :
       {"--hidden 16 --dropout 0.2 --label-smoothing 0.1 --clip-norm 1 --ema 0.9",
        "--model cnn --channels 4 --norm batch --mixup 0.2", "--model lstm --hidden 8 --bf16 --l2 0.001",
        "--hidden 8 --optimizer lbfgs --ensemble 2"}) {
    const auto figures = [&](const std::string& more) {
      const Outcome r = run(
          "train --samples 80 --batch-size 16 --epochs 2 --validation 16 --threads 1 --report none --quiet --json - " +
          options + more);
      EXPECT_EQ(r.code, 0) << r.err;
      std::vector<Json> lines;
      std::stringstream stream(r.out);
      for (std::string line; std::getline(stream, line);) {
        lines.push_back(Json::parse(line));
        for (const char* time : {"seconds", "samples_per_second"}) lines.back().erase(time);
      }
      return lines;
    };
    std::vector<Json> captured = figures(" --captured"), plain = figures("");
    EXPECT_EQ(captured.back()["captured"], true) << captured.back();
    EXPECT_FALSE(plain.back().contains("captured"));
    captured.back().erase("captured");
    EXPECT_EQ(captured, plain) << options;
  }
}

// Its momentum is read from the count of batches.
struct CumulativeNorm : nn::BatchNorm1d {
  CumulativeNorm() : BatchNorm1d(10, {.momentum = std::nullopt, .affine = false}) {}
};

TEST(TrainCaptured, SaysWhereStepsRunAsTheyStandAndWhy) {
  TrainOptions options = *parse_train_options(
      {"--samples", "40", "--hidden", "4", "--epochs", "2", "--batch-size", "8", "--captured", "--report", "none"});
  const LoadedData data = load_data(options.data);
  TrainingEvents events;
  events.start = [](const TrainingView& view) { view.network.add(CumulativeNorm()); };
  TrainingResult result = train(options, data, events);
  const std::string why = result.why_not_captured();
  EXPECT_NE(why.find("the elements of a tensor are read"), std::string::npos) << why;
  EXPECT_NE(result_text(options, result).find("\nnot captured, so that steps ran as they stand: " + why + "\n"),
            std::string::npos)
      << result_text(options, result);
  const Json end = result_json(options, result);
  EXPECT_EQ(end["captured"], false);
  EXPECT_EQ(end["why_not_captured"], why);
  EXPECT_NE(report_page(options, result, data).find("not captured: "), std::string::npos);
}

TEST_F(Train, LeavesNothingBehindOnADryRun) {
  const Outcome r = run("train --model gru --samples 200 --dry-run --save net.safetensors --checkpoint c.ckpt");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("GRU(28, 128"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("together"), std::string::npos);
  for (const char* file : {"net.safetensors", "net.ini", "c.ckpt", "dagrad-report.html"})
    EXPECT_FALSE(fs::exists(folder_ / file)) << file;
}

}  // namespace
}  // namespace dagrad::tools
