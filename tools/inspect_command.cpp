#include "tools/inspect_command.h"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>

#include "dagrad/core/error.h"
#include "dagrad/nn/io/safetensors.h"
#include "dagrad/nn/saving.h"
#include "tools/chart.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/graph/step_profile.h"
#include "tools/input.h"
#include "tools/model_file.h"
#include "tools/output.h"
#include "tools/page.h"
#include "tools/table.h"
#include "tools/tensor_statistics.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kExamples =
    "dagrad inspect: what a model file, or any file of tensors, holds\n\n"
    "Examples:\n"
    "  dagrad inspect net.safetensors                  layers, parameters, statistics\n"
    "  dagrad inspect net.safetensors --match weight --report weights.html\n"
    "  dagrad inspect arrays.npz --check               exit code 1 when a number is NaN or infinite\n"
    "  dagrad inspect x.npy --json - | jq '.tensors[0].mean'\n\n";

constexpr const char* kOutcome =
    "\nFiles: .safetensors, .npz, .npy. Mean, std, min and max are of the finite elements; zeros and bad (NaN or\n"
    "infinite) are counts. The last column is the histogram between min and max.\n"
    "Exit codes: 0 success, 1 --check found a number that is not finite, 2 usage, 3 a file that cannot be read or\n"
    "written.\n";

constexpr std::size_t kSparkWidth = 20;
constexpr std::size_t kMostCharts = 60;

struct Entry {
  std::string name;
  Shape shape;
  DType dtype;
  TensorStatistics statistics;
};

/// What a file says of itself.
struct Inspected {
  std::string file;
  std::optional<Table> layers;
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  std::int64_t elements() const {
    std::int64_t sum = 0;
    for (const Entry& entry : entries) sum += entry.statistics.count;
    return sum;
  }
  std::int64_t bad() const {
    std::int64_t sum = 0;
    for (const Entry& entry : entries) sum += entry.statistics.nan + entry.statistics.infinite;
    return sum;
  }
  double bytes() const {
    double sum = 0;
    for (const Entry& entry : entries)
      sum += static_cast<double>(entry.statistics.count) * static_cast<double>(item_size(entry.dtype));
    return sum;
  }
};

Table layers_of(nn::Module& module) {
  Table table{{"name", "layer", "parameters"}};
  for (const auto& [name, part] : module.named_modules())
    table.rows.push_back({name.empty() ? "(all)" : name, part->describe(), std::to_string(part->parameter_count())});
  return table;
}

std::regex pattern_of(const std::string& text) {
  try {
    return std::regex(text);
  } catch (const std::regex_error&) {
    throw UsageError(fmt::format("--match: '{}' (want a regular expression, like 'weight$')", text));
  }
}

Inspected inspect(const std::string& file, const std::string& match) {
  Inspected result{file, {}, {}, {}};
  check_is_file(file, "a .safetensors, .npz or .npy file");
  if (std::filesystem::path(file).extension() == ".safetensors") {
    result.metadata = io::load_safetensors(file).metadata;
    if (result.metadata.count("dagrad") > 0) result.layers = layers_of(*load_model(file).module);
  }
  const std::regex pattern = pattern_of(match);
  for (const auto& [name, tensor] : nn::load_tensors(file)) {
    if (!std::regex_search(name, pattern)) continue;
    result.entries.push_back({name, tensor.shape(), tensor.dtype(), statistics_of(tensor, name)});
  }
  return result;
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.4g}", value) : std::string("-"); }

Table table_of(const Inspected& inspected, bool with_sparks) {
  Table table{{"tensor", "shape", "type", "elements", "mean", "std", "min", "max", "zeros", "bad"}};
  if (with_sparks) table.columns.emplace_back("histogram");
  for (const Entry& entry : inspected.entries) {
    const TensorStatistics& s = entry.statistics;
    table.rows.push_back({entry.name, entry.shape.str(), std::string(name_of(entry.dtype)), std::to_string(s.count),
                          number(s.mean), number(s.deviation), number(s.least), number(s.most), std::to_string(s.zeros),
                          std::to_string(s.nan + s.infinite)});
    if (with_sparks) table.rows.back().push_back(s.finite() > 0 ? sparkline(s.histogram, kSparkWidth) : "");
  }
  return table;
}

std::string summary_of(const Inspected& inspected) {
  return fmt::format("{} tensors, {} elements, {}{}", inspected.entries.size(), inspected.elements(),
                     bytes_text(inspected.bytes()),
                     inspected.bad() > 0 ? fmt::format(", {} not finite", inspected.bad()) : "");
}

/// The counts over the values, as an outline.
std::string chart_of(const Entry& entry) {
  const Histogram& h = entry.statistics.histogram;
  const double width = (h.high - h.low) / static_cast<double>(h.counts.size());
  Series series{"", {h.low}, {0}};
  for (std::size_t i = 0; i < h.counts.size(); ++i) {
    for (const std::size_t side : {i, i + 1}) {
      series.x.push_back(h.low + width * static_cast<double>(side));
      series.y.push_back(h.counts[i]);
    }
  }
  series.x.push_back(h.high);
  series.y.push_back(0);
  return line_chart({.title = entry.name, .x_label = "value", .y_label = "elements"}, {series});
}

std::string page_of(const Inspected& inspected) {
  Page page("dagrad: " + inspected.file);
  page.headline(std::to_string(inspected.elements()),
                fmt::format("numbers in {} tensors, {}", inspected.entries.size(), bytes_text(inspected.bytes())));
  if (inspected.layers) page.heading("Layers").table(*inspected.layers);
  page.heading("Tensors").table(table_of(inspected, true));
  std::vector<std::string> charts;
  for (const Entry& entry : inspected.entries) {
    if (entry.statistics.finite() > 1 && charts.size() < kMostCharts) charts.push_back(chart_of(entry));
  }
  if (!charts.empty()) page.heading("Histograms").charts(charts);
  if (!inspected.metadata.empty()) {
    page.heading("Metadata");
    for (const auto& [name, text] : inspected.metadata) {
      const Json parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
      page.raw("<details><summary>" + escape(name) + "</summary><pre>" +
               escape(parsed.is_discarded() ? text : parsed.dump(2)) + "</pre></details>");
    }
  }
  return page.html();
}

Json json_of(const Inspected& inspected) {
  Json tensors = Json::array();
  for (const Entry& entry : inspected.entries) {
    const TensorStatistics& s = entry.statistics;
    tensors.push_back(
        {{"name", entry.name},
         {"shape", std::vector<std::int64_t>(entry.shape.begin(), entry.shape.end())},
         {"dtype", std::string(name_of(entry.dtype))},
         {"elements", s.count},
         {"mean", s.mean},  // null when it is no number
         {"std", s.deviation},
         {"min", s.least},
         {"max", s.most},
         {"norm", s.norm},
         {"zeros", s.zeros},
         {"nan", s.nan},
         {"infinite", s.infinite},
         {"histogram", {{"low", s.histogram.low}, {"high", s.histogram.high}, {"counts", s.histogram.counts}}}});
  }
  Json result{{"file", inspected.file}, {"elements", inspected.elements()}, {"bytes", inspected.bytes()}};
  if (inspected.layers) {
    Json layers = Json::array();
    for (const auto& row : inspected.layers->rows)
      layers.push_back({{"name", row[0]}, {"layer", row[1]}, {"parameters", std::stoll(row[2])}});
    result["layers"] = layers;
  }
  result["tensors"] = tensors;
  result["metadata"] = inspected.metadata;
  return result;
}

}  // namespace

int run_inspect(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  std::vector<std::string> files;
  std::string match, report, json;
  bool check = false;
  po::options_description options("Options");
  options.add_options()("file", po::value(&files)->value_name("FILE"),
                        "what to inspect; the word file may be left out")("match", optional_text(match, "REGEX"),
                                                                          "only tensors in whose names it is found")(
      "check", po::bool_switch(&check), "exit with 1 when a number is not finite")(
      "report", optional_text(report, "FILE"), "an HTML page with the histograms")("json", optional_text(json, "FILE"),
                                                                                   "all of it; - is stdout");
  if (!parse_command_line({"inspect", kExamples, kOutcome, "file"}, options, arguments)) return kSuccess;
  if (files.size() != 1)
    throw UsageError(fmt::format("inspect: {} files (want one; see dagrad inspect --help)", files.size()));
  for (const std::string& file : {report, json}) check_output(file);
  const Inspected inspected = inspect(files[0], match);
  write_output(json, json_of(inspected).dump(2) + "\n");
  if (json != "-") {
    if (inspected.layers) print(text_of(*inspected.layers) + "\n");
    print(text_of(table_of(inspected, true)) + "\n" + summary_of(inspected) + "\n");
  }
  if (!report.empty()) write_whole_file(report, page_of(inspected));
  return check && inspected.bad() > 0 ? kWrong : kSuccess;
}

}  // namespace dagrad::tools
