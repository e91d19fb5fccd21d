#include "tools/train_options.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>

#include "dagrad/core/error.h"
#include "dagrad/nn/training/checkpoint.h"
#include "tools/command_line.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;
namespace po = boost::program_options;

constexpr const char* kExamples =
    "dagrad train: train a model and test it\n\n"
    "Examples:\n"
    "  dagrad train                                      the built-in digits, in a few seconds\n"
    "  dagrad train --dataset mnist --data DIR           MNIST's files, plain or .gz\n"
    "  dagrad train --model cnn --norm batch --schedule one-cycle --epochs 3\n"
    "  dagrad train --data table.csv --label kind --standardize --save net.safetensors\n"
    "  dagrad train --dataset spirals --hidden 32,32 --lr 0.01 --tensorboard runs/spirals\n"
    "  dagrad train --dataset regression --model linear --optimizer sgd --lr 0.01\n"
    "  dagrad train --validation 1000 --patience 3 --schedule plateau --epochs 50\n"
    "  dagrad train --augment shift=0.1,rotate=10 --ema 0.999 --workers 2\n"
    "  dagrad train --dataset moons --folds 5            cross-validation; --ensemble 5 averages models\n"
    "  dagrad train --checkpoint run.ckpt                can be ended by Ctrl-C, and later\n"
    "  dagrad train --resume run.ckpt                    goes on as if nothing had happened\n"
    "  dagrad train --model lstm --dry-run               what it would train, and the memory it takes\n"
    "  dagrad train --json - -q | jq .test_accuracy      one JSON object a line on stdout\n"
    "  dagrad train --config net.ini                     options from a file, as 'lr = 0.01'\n";

constexpr const char* kOutcome =
    "\nResults go to stdout, progress to stderr (a bar on a terminal, a line an epoch elsewhere; NO_COLOR is "
    "honoured).\n"
    "Exit codes: 0 success, 2 usage, 3 a file that cannot be read or written, 4 the training failed (a loss that is\n"
    "not a number), 130 interrupted (Ctrl-C finishes the step, writes the checkpoint if there is one, tests and\n"
    "reports what there is).\n";

/// The groups of the options that decide the result, bound to `o`.
std::vector<OptionList> lists_of(TrainOptions& o) {
  std::vector<OptionList> lists{OptionList("Data"),     OptionList("Model"),          OptionList("Optimizer"),
                                OptionList("Schedule"), OptionList("Regularisation"), OptionList("Running")};
  describe(o.data, lists[0]);
  describe(o.model, lists[1]);
  describe(o.optimizer, lists[2]);
  describe(o.schedule, lists[3]);
  describe(o.regularisation, lists[4]);
  describe(o.running, lists[5]);
  return lists;
}

/// Throws UsageError for the first option that is wrong by itself or beside the others.
void check(const TrainOptions& o) {
  check(o.data);
  check(o.model);
  check(o.optimizer);
  check(o.schedule);
  check(o.regularisation);
  check(o.running);
  check(o.output);
  const auto clash = [](bool wrong, const char* what) {
    if (wrong) throw UsageError(what);
  };
  clash(o.needs_validation() && o.data.validation == 0 && o.running.folds == 0,
        "--patience: there is nothing to watch (want --validation N as well)");
  clash(o.running.folds > 0 && o.data.validation > 0, "--folds: not together with --validation (each fold is one)");
  clash(o.running.folds > 0 && !o.output.save.empty(), "--folds: not together with --save (there are K models)");
  const bool several = o.running.folds > 0 || o.running.ensemble > 1;
  clash(several && !o.output.checkpoint_file().empty(),
        "--checkpoint, --resume: not together with --folds or --ensemble");
}

/// The options of the run that --resume names, so that they need not be given again.
void take_up(const std::vector<std::string>& arguments, TrainOptions& o) {
  constexpr std::string_view kOption = "--resume";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string file;
    if (arguments[i] == kOption && i + 1 < arguments.size()) file = arguments[i + 1];
    if (arguments[i].rfind("--resume=", 0) == 0) file = arguments[i].substr(kOption.size() + 1);
    if (file.empty()) continue;
    const io::Metadata notes = nn::read_checkpoint(file).notes;
    const auto run = notes.find("run");
    if (run == notes.end())
      throw IoError(fmt::format("{}: is no checkpoint of dagrad train: it names no options", file));
    o = options_of_run(Json::parse(run->second), file);
  }
}

}  // namespace

Json TrainOptions::run() const {
  TrainOptions copy = *this;
  copy.data.dataset = data.kind();
  Json run;
  for (const OptionList& list : lists_of(copy)) run[list.title()] = list.values();
  return run;
}

std::vector<std::pair<std::string, std::string>> TrainOptions::listed() const {
  TrainOptions copy = *this;
  copy.data.dataset = data.kind();
  std::vector<std::pair<std::string, std::string>> all;
  for (const OptionList& list : lists_of(copy)) {
    for (auto& option : list.texts()) all.push_back(std::move(option));
  }
  return all;
}

std::optional<TrainOptions> parse_train_options(const std::vector<std::string>& arguments) {
  TrainOptions o;
  take_up(arguments, o);
  std::string config;
  po::options_description all;
  std::vector<OptionList> lists = lists_of(o);
  lists.back().description().add_options()("config", optional_text(config, "FILE"),
                                           "read options from FILE; the command line wins");
  for (const OptionList& list : lists) all.add(list.description());
  OptionList output("Output");
  describe(o.output, output);
  all.add(output.description());
  if (!parse_command_line({"train", kExamples, optimizers_text() + kOutcome, ""}, all, arguments)) return std::nullopt;
  if (o.output.report == "none") o.output.report.clear();
  check(o);
  return o;
}

TrainOptions options_of_run(const Json& run, const std::string& who) {
  TrainOptions o;
  for (OptionList& list : lists_of(o)) {
    if (run.contains(list.title())) list.read(run.at(list.title()), who);
  }
  return o;
}

}  // namespace dagrad::tools
