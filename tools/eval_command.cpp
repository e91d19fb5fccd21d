#include "tools/eval_command.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "tools/command_line.h"
#include "tools/data.h"
#include "tools/evaluation.h"
#include "tools/exit_codes.h"
#include "tools/model_file.h"
#include "tools/option_checks.h"
#include "tools/output.h"
#include "tools/train_options.h"

namespace dagrad::tools {
namespace {

namespace po = boost::program_options;

constexpr const char* kExamples =
    "dagrad eval: test a model that dagrad train --save wrote\n\n"
    "Examples:\n"
    "  dagrad eval net.safetensors                       with the test part of the data that it was trained on\n"
    "  dagrad eval net.safetensors --data other.csv      with other data: a .csv, .npz or .npy file, or a folder\n"
    "  dagrad eval net.safetensors --part train --json - | jq .accuracy\n";

constexpr const char* kOutcome =
    "\nPrints accuracy, loss, precision, recall and F1 (of class 1 of two, else the mean over the classes), for two\n"
    "classes the AUC, and the same by class; for numbers MSE, RMSE, MAE and R2.\n"
    "Exit codes: 0 success, 2 usage, 3 a file that cannot be read or written or does not fit the model.\n";

struct EvalOptions {
  std::string model, data, labels, part = "test", json;
  int threads = 0;
};

/// What the options name, checked to be what the model takes.
data::Dataset load(const EvalOptions& o, const ModelDescription& d) {
  DataOptions options = options_of_run(d.run, o.model).data;
  if (!o.data.empty()) {
    options.data = o.data;
    options.labels = o.labels;
    options.dataset = d.csv.features.empty() ? "" : "csv";
  }
  data::Dataset dataset;
  if (!o.data.empty() && options.is_file()) {
    dataset = load_samples(options, d.csv, static_cast<std::int64_t>(d.classes.size()));
  } else {
    const LoadedData data = load_data(options);
    dataset = o.part == "test" ? data.test : o.part == "train" ? data.train : data.validation;
    if (dataset.size() == 0)
      throw UsageError(fmt::format("--part {}: the model was trained without one (want test or train)", o.part));
  }
  check_samples(d, dataset.features, options.data.empty() ? options.kind() : options.data);
  if ((dataset.classes > 0) != d.classifies() || dataset.classes > static_cast<std::int64_t>(d.classes.size())) {
    throw IoError(fmt::format("{}: has {} classes (want {}, those of {})", options.data, dataset.classes,
                              d.classes.size(), o.model));
  }
  return dataset;
}

}  // namespace

int run_eval(const std::vector<std::string>& arguments) {
  EvalOptions o;
  po::options_description all("Options");
  all.add_options()("model", optional_text(o.model, "FILE"), "the model, a .safetensors file")(
      "data", optional_text(o.data, "PATH"), "test with all samples of this file, or the test part of this folder")(
      "labels", optional_text(o.labels, "FILE"), "the labels of a .npy file")(
      "part", option(o.part, "NAME"), "of the training's own data: test, validation or train")(
      "json", optional_text(o.json, "FILE"), "the figures as JSON; - is stdout")("threads", option(o.threads, "N"),
                                                                                 "0: one per core");
  if (!parse_command_line({"eval", kExamples, kOutcome, "model"}, all, arguments)) return kSuccess;
  if (o.model.empty()) throw UsageError("eval: no model (want a file; see dagrad eval --help)");
  check_choice("part", o.part, {"test", "validation", "train"});
  check_threads(o.threads);
  check_output(o.json);
  if (o.threads > 0) set_num_threads(o.threads);

  SavedModel saved = load_model(o.model);
  const data::Dataset dataset = load(o, saved.description);
  const Evaluation result = evaluate(outputs_of(*saved.module, dataset.features), dataset, saved.description.classes);
  if (o.json != "-") print(text_of(result));
  write_output(o.json, to_json(result).dump() + "\n");
  return kSuccess;
}

}  // namespace dagrad::tools
