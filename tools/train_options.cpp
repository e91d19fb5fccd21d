#include "tools/train_options.h"

#include <boost/program_options.hpp>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <sstream>

#include "dagrad/core/error.h"
#include "tools/command_line.h"

namespace dagrad::tools {
namespace {

namespace po = boost::program_options;

constexpr const char* kExamples =
    "dagrad train: train a multi-layer perceptron and test it\n\n"
    "Examples:\n"
    "  dagrad train                                      the built-in digits, in a few seconds\n"
    "  dagrad train --dataset mnist --data DIR           MNIST's files, plain or .gz\n"
    "  dagrad train --hidden 64 --activation tanh --optimizer sgd --lr 0.1\n"
    "  dagrad train --batch-size 0                       batch gradient descent (1: stochastic)\n"
    "  dagrad train --json - --quiet | jq .test_accuracy one JSON object a line on stdout\n"
    "  dagrad train --config run.ini                     options from a file, as 'lr = 0.01'\n";

constexpr const char* kOutcome =
    "\nResults go to stdout, progress to stderr (a bar on a terminal, a line an epoch elsewhere; NO_COLOR is "
    "honoured).\n"
    "Exit codes: 0 success, 2 usage, 3 a file that cannot be read or written, 4 the training failed (a loss that is\n"
    "not a number), 130 interrupted (Ctrl-C finishes the step, tests and reports what there is).\n";

/// "256,128" as numbers; nothing for "" or "none", a model without hidden layers.
std::vector<std::int64_t> parse_widths(const std::string& text) {
  std::vector<std::int64_t> widths;
  if (text.empty() || text == "none") return widths;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    std::size_t used = 0;
    std::int64_t width = 0;
    try {
      width = std::stoll(part, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != part.size() || width < 1 || width > 1'000'000) {
      throw UsageError(
          fmt::format("--hidden: '{}' in '{}' (want widths from 1 to 1000000, like 256,128, or none)", part, text));
    }
    widths.push_back(width);
  }
  return widths;
}

void check(const TrainOptions& o) {
  check_choice("dataset", o.dataset, {"digits", "mnist"});
  check_choice("activation", o.activation, {"relu", "tanh", "sigmoid"});
  check_choice("init", o.init, {"standard", "he", "xavier"});
  check_choice("optimizer", o.optimizer, {"adam", "sgd"});
  if (o.dataset == "mnist" && o.data.empty())
    throw UsageError("--dataset mnist: no folder (want --data DIR with MNIST's files)");
  const auto whole = [](std::int64_t n) { return static_cast<double>(n); };
  check_range("samples", whole(o.samples), o.samples >= 10 && o.samples <= 10'000'000, "10 to 10000000");
  check_range("validation", whole(o.validation), o.validation >= 0, "at least 0");
  check_range("dropout", o.dropout, o.dropout >= 0 && o.dropout < 1, "0 <= p < 1");
  check_range("lr", o.lr, o.lr >= 0 && std::isfinite(o.lr), "a finite number >= 0");
  check_range("momentum", o.momentum, o.momentum >= 0 && o.momentum <= 1, "0 to 1");
  check_range("weight-decay", o.weight_decay, o.weight_decay >= 0 && std::isfinite(o.weight_decay),
              "a finite number >= 0");
  check_range("batch-size", whole(o.batch_size), o.batch_size >= 0, "at least 1, or 0 for the whole dataset");
  check_range("epochs", whole(o.epochs), o.epochs >= 1, "at least 1");
  check_range("threads", o.threads, o.threads >= 0 && o.threads <= 1024, "1 to 1024, or 0 for one per core");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> TrainOptions::listed() const {
  const auto yes = [](bool b) { return std::string(b ? "true" : "false"); };
  return {{"dataset", dataset},
          {"data", data},
          {"samples", std::to_string(samples)},
          {"validation", std::to_string(validation)},
          {"hidden", hidden.empty() ? "none" : fmt::format("{}", fmt::join(hidden, ","))},
          {"activation", activation},
          {"dropout", fmt::format("{}", dropout)},
          {"init", init},
          {"optimizer", optimizer},
          {"lr", fmt::format("{}", lr)},
          {"momentum", fmt::format("{}", momentum)},
          {"weight-decay", fmt::format("{}", weight_decay)},
          {"batch-size", std::to_string(batch_size)},
          {"epochs", std::to_string(epochs)},
          {"seed", std::to_string(seed)},
          {"threads", std::to_string(threads)},
          {"deterministic", yes(deterministic)},
          {"detect-anomaly", yes(detect_anomaly)}};
}

std::optional<TrainOptions> parse_train_options(const std::vector<std::string>& arguments) {
  TrainOptions o;
  std::string hidden = "256,128", config;
  po::options_description data("Data"), model("Model"), training("Training"), running("Running"), output("Output");
  data.add_options()("dataset", option(o.dataset, "NAME"), "digits (drawn by the program) or mnist")(
      "data", optional_text(o.data, "DIR"),
      "the dataset's files; for mnist, the t10k files alone will do: 9,000 train, 1,000 test")(
      "samples", option(o.samples, "N"), "how many digits to train on (2,000 more test)")(
      "validation", option(o.validation, "N"), "hold the last N training samples out, to choose settings by");
  model.add_options()("hidden", option(hidden, "W,W,..."), "widths of the hidden layers, or none")(
      "activation", option(o.activation, "NAME"), "relu, tanh or sigmoid")(
      "dropout", option(o.dropout, "P"), "behind each activation, set this share to 0")(
      "init", option(o.init, "NAME"), "standard (U(+-1/sqrt fan_in)), he or xavier");
  training.add_options()("optimizer", option(o.optimizer, "NAME"), "adam or sgd")(
      "lr", option(o.lr, "RATE"), "learning rate")("momentum", option(o.momentum, "M"), "of sgd")(
      "weight-decay", option(o.weight_decay, "L2"), "added to the gradient, times the weight")(
      "batch-size", option(o.batch_size, "N"), "1: stochastic, n: mini-batch, 0: batch gradient descent")(
      "epochs", option(o.epochs, "N"), "passes over the training data");
  running.add_options()("seed", option(o.seed, "N"), "the same seed gives the same run")(
      "threads", option(o.threads, "N"), "0: one per core")("deterministic", po::bool_switch(&o.deterministic),
                                                            "the same bits on any number of threads")(
      "detect-anomaly", po::bool_switch(&o.detect_anomaly), "stop at the first NaN and name the op (slower)")(
      "config", optional_text(config, "FILE"), "read options from FILE; the command line wins");
  output.add_options()("json", optional_text(o.json, "FILE"), "one JSON object an epoch and a last one; - is stdout")(
      "report", option(o.report, "FILE"), "an HTML page with the curves, or none")("quiet,q", po::bool_switch(&o.quiet),
                                                                                   "no progress");
  po::options_description all;
  all.add(data).add(model).add(training).add(running).add(output);
  if (!parse_command_line({"train", kExamples, kOutcome, ""}, all, arguments)) return std::nullopt;
  o.hidden = parse_widths(hidden);
  if (o.report == "none") o.report.clear();
  check(o);
  return o;
}

}  // namespace dagrad::tools
