#include "tools/predict_command.h"

#include <boost/program_options.hpp>
#include <filesystem>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/data/csv_encoding.h"
#include "dagrad/nn/io/npy.h"
#include "dagrad/nn/io/npz.h"
#include "dagrad/ops/ops.h"
#include "tools/command_line.h"
#include "tools/evaluation.h"
#include "tools/exit_codes.h"
#include "tools/input.h"
#include "tools/model_file.h"
#include "tools/option_checks.h"
#include "tools/output.h"
#include "tools/train_options.h"

namespace dagrad::tools {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr const char* kExamples =
    "dagrad predict: what a model that dagrad train --save wrote says\n\n"
    "Examples:\n"
    "  dagrad predict net.safetensors x.csv              a line for each row, on stdout\n"
    "  dagrad predict net.safetensors x.npy --output y.npz\n"
    "  dagrad predict net.safetensors --input x.csv --output y.csv\n";

constexpr const char* kOutcome =
    "\nA .csv of predictions has the class and then the probability of each class, or the numbers; a .npy the\n"
    "probabilities [N, classes] or numbers [N, outputs]; a .npz both, as prediction and probability.\n"
    "Columns of a table are found by their names (further ones do not matter); other inputs are samples as the model\n"
    "was trained on, before any scaling, which is part of the model.\n"
    "Exit codes: 0 success, 2 usage, 3 a file that cannot be read or written or does not fit the model.\n";

struct PredictOptions {
  std::string model, input, output = "-";
  int threads = 0;
};

std::string extension_of(const std::string& file) { return fs::path(file).extension().string(); }

void check(const PredictOptions& o) {
  if (o.model.empty()) throw UsageError("predict: no model (want a file; see dagrad predict --help)");
  if (o.input.empty())
    throw UsageError("predict: no input (want a file behind the model's, or --input FILE: a .csv or .npy)");
  check_threads(o.threads);
  if (o.output == "-") return;
  if (const std::string end = extension_of(o.output); end != ".csv" && end != ".npy" && end != ".npz")
    throw UsageError(
        fmt::format("--output: '{}' (want a name that ends in .csv, .npy or .npz, or - for stdout)", o.output));
  check_writable(o.output);
  check_apart({{"model", o.model, false}, {"input", o.input, false}, {"output", o.output, true}});
}

/// A table as the model's samples: by its encoding, or column by column for a model that was not trained on a table.
Tensor features_of_table(const PredictOptions& o, const ModelDescription& d) {
  const data::CsvOptions options = options_of_run(d.run, o.model).data.csv();
  const data::CsvTable table = data::read_csv(o.input, options);
  if (!d.csv.features.empty()) return data::encode_csv_features(table, d.csv, options, o.input);
  data::CsvEncoding plain;
  for (const data::CsvColumn& column : table.columns) plain.features.push_back({column.name, {}, 0});
  const Tensor features = data::encode_csv_features(table, plain, options, o.input);
  Shape shape = d.shape.input;
  shape.insert(0, features.size(0));
  if (checked_numel("predict", shape) == features.numel()) return reshape(features, shape);
  return features;
}

Tensor load(const PredictOptions& o, const ModelDescription& d) {
  const std::string end = extension_of(o.input);
  if (end != ".csv" && end != ".tsv" && end != ".txt" && end != ".npy")
    throw UsageError(fmt::format("--input: '{}' (want a .csv or .npy file)", o.input));
  check_is_file(o.input, "a .csv or .npy file");
  const Tensor features = end == ".npy" ? to(io::load_npy(o.input), f32) : features_of_table(o, d);
  check_samples(d, features, o.input);
  return features;
}

/// A field of a table, in quotes where it needs them.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

std::string table_text(const Tensor& values, const ModelDescription& d) {
  const std::int64_t rows = values.size(0), columns = values.size(1);
  const std::vector<float> numbers = values.to_vector<float>();
  std::string text = "prediction";
  if (d.classifies()) {
    for (const std::string& name : d.classes) text += fmt::format(",{}", quoted("p_" + name));
  } else {
    text = columns == 1 ? text : "prediction_0";
    for (std::int64_t c = 1; c < columns; ++c) text += fmt::format(",prediction_{}", c);
  }
  text += "\n";
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto from = numbers.begin() + row * columns, end = from + columns;
    if (d.classifies()) {
      text += quoted(d.classes[static_cast<std::size_t>(std::max_element(from, end) - from)]);
      text += ",";
    }
    text += fmt::format("{}\n", fmt::join(from, end, ","));
  }
  return text;
}

void write(const PredictOptions& o, const ModelDescription& d, const Tensor& values) {
  if (o.output == "-") return print(table_text(values, d));
  const std::string end = extension_of(o.output);
  if (end == ".csv") return write_whole_file(o.output, table_text(values, d));
  if (end == ".npy") return io::save_npy(values, o.output);
  if (!d.classifies()) return io::save_npz({{"prediction", values}}, o.output);
  io::save_npz({{"prediction", argmax(values, 1)}, {"probability", values}}, o.output);
}

}  // namespace

int run_predict(const std::vector<std::string>& arguments) {
  PredictOptions o;
  po::options_description all("Options");
  all.add_options()("model", optional_text(o.model, "FILE"), "the model, a .safetensors file")(
      "input", optional_text(o.input, "FILE"), "the samples: a .csv, or a .npy of [N, ...]")(
      "output", option(o.output, "FILE"), "where to: a .csv, .npy or .npz; - is stdout, as .csv")(
      "threads", option(o.threads, "N"), "0: one per core");
  if (!parse_command_line({"predict", kExamples, kOutcome, "model", {}, "input"}, all, arguments)) return kSuccess;
  check(o);
  if (o.threads > 0) set_num_threads(o.threads);
  SavedModel saved = load_model(o.model);
  const NoGrad guard;
  Tensor values = outputs_of(*saved.module, load(o, saved.description));
  if (saved.description.classifies()) values = softmax(values, 1);
  write(o, saved.description, values);
  return kSuccess;
}

}  // namespace dagrad::tools
