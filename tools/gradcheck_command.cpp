#include "tools/gradcheck_command.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck.h"
#include "dagrad/core/random.h"
#include "op_table/inputs.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/model_choice.h"
#include "tools/option_checks.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/table.h"
#include "tools/table_rows.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;
using op_table::Row;
using op_table::Sample;

constexpr const char* kExamples =
    "dagrad gradcheck: compare the derivatives of ops or of a model with finite differences, in f64\n\n"
    "Examples:\n"
    "  dagrad gradcheck                     every op, first and second order\n"
    "  dagrad gradcheck conv2d layer_norm   these\n"
    "  dagrad gradcheck --order 1 --json - | jq '.[] | select(.verdict != \"right\")'\n"
    "  dagrad gradcheck --model mlp --hidden 8,6 --activation tanh --norm layer\n"
    "  dagrad gradcheck --model lstm --input 5,3 --hidden 4 --order 1\n"
    "  dagrad gradcheck net.safetensors     a trained model\n"
    "  dagrad gradcheck --list              the names of the ops\n\n";

constexpr const char* kOutcome =
    "\nEach op is checked at every sample of the op table that is small enough for its full Jacobian.\n"
    "A model's loss is checked by every parameter and by its input; of tensors with many elements some are chosen.\n"
    "'worst' is the largest difference in units of what the check allows: above 1 is wrong.\n"
    "Exit codes: 0 all right, 1 a derivative is wrong or cannot be told, 2 usage, 3 the JSON file cannot be written.\n";

/// What was found for one op in one order.
struct Finding {
  std::string op;
  int order = 1;
  int samples = 0;
  std::int64_t derivatives = 0;
  double worst = 0;
  GradcheckVerdict verdict = GradcheckVerdict::right;
  std::string report = "";  // of the first sample that is not right
  double seconds = 0;
};

void take(Finding& finding, const std::string& sample, const GradcheckResult& result) {
  ++finding.samples;
  for (const GradcheckInput& input : result.inputs) {
    finding.derivatives += input.right + input.wrong + input.cannot_tell;
    if (input.worst && input.worst->bound > 0)
      finding.worst = std::max(finding.worst, input.worst->difference() / input.worst->bound);
  }
  if (result.verdict <= finding.verdict) return;
  finding.verdict = result.verdict;
  finding.report = fmt::format("{}, sample {}:\n{}", finding.op, sample, result.report());
}

Finding check(const Row& row, int order) {
  const auto start = std::chrono::steady_clock::now();
  Finding finding{row.name, order};
  for (const Sample& sample : row.samples) {
    if (!sample.small() || sample.input_elements() == 0) continue;
    std::vector<Tensor> at = op_table::to_tensors(sample, op_table::draw(row, sample, f64), f64);
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (!sample.inputs[i].dtype) at[i].requires_grad_();
    }
    GradcheckOptions options{.seed = op_table::seed_of(row.name + sample.name)};
    options.allow_zero_jacobian = true;  // at one sample it may be, as for x - x
    take(finding, sample.name,
         order == 1 ? gradcheck(sample.call, at, options) : gradgradcheck(sample.call, at, options));
  }
  finding.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return finding;
}

/// The loss of a model by its input and its parameters, one finding for each.
std::vector<Finding> check_model(const ChosenModel& chosen, int order, std::int64_t elements, std::uint64_t seed) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Tensor> inputs{chosen.x.detach().requires_grad_()};
  std::vector<std::string> names{"input"};
  for (const auto& [name, parameter] : chosen.module->named_parameters()) {
    inputs.push_back(parameter);
    names.push_back(name);
  }
  const auto loss = [&](std::span<const Tensor> in) {
    manual_seed(seed);  // dropout draws the same each time
    return chosen.loss_of(in[0]);
  };
  const GradcheckOptions options{.seed = seed, .max_elements = elements};
  const GradcheckResult result = order == 1 ? gradcheck(loss, inputs, options) : gradgradcheck(loss, inputs, options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::vector<Finding> findings;
  for (const GradcheckInput& input : result.inputs) {
    const std::string name = input.input < names.size() ? names[input.input] : input.name;
    Finding finding{chosen.title + " " + name, order, 1};
    finding.derivatives = input.right + input.wrong + input.cannot_tell;
    if (input.worst && input.worst->bound > 0) finding.worst = input.worst->difference() / input.worst->bound;
    finding.verdict = input.wrong > 0         ? GradcheckVerdict::wrong
                      : input.cannot_tell > 0 ? GradcheckVerdict::cannot_tell
                                              : GradcheckVerdict::right;
    findings.push_back(finding);
  }
  if (findings.empty()) findings.push_back({chosen.title, order});
  findings[0].seconds = seconds;
  if (result.verdict != GradcheckVerdict::right) {
    // What is amiss apart from single elements shows in the first line.
    findings[0].verdict = std::max(findings[0].verdict, result.verdict);
    findings[0].report = result.report();
  }
  return findings;
}

Json to_json(const Finding& f) {
  return {{"op", f.op},           {"order", f.order},
          {"samples", f.samples}, {"derivatives", f.derivatives},
          {"worst", f.worst},     {"verdict", std::string(name_of(f.verdict))},
          {"report", f.report},   {"seconds", f.seconds}};
}

}  // namespace

int run_gradcheck(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  std::vector<std::string> names;
  std::string order = "both", json;
  bool only_list = false;
  std::int64_t elements = 20;
  ModelChoice choice;  // small ones: each derivative costs several evaluations
  choice.options.kind.clear();
  choice.input = "6";
  choice.outputs = 3;
  choice.batch = 4;
  choice.dtype = "f64";
  OptionList model("Model");
  describe(choice, model);
  po::options_description options("Options"), all_options;
  options.add_options()("op", po::value(&names)->value_name("NAME"),
                        "an op to check, or a model file; the word op may be left out")(
      "order", option(order, "N"), "1, 2 or both")("json", optional_text(json, "FILE"), "the findings; - is stdout")(
      "file", optional_text(choice.file, "FILE"), "a model saved by dagrad train, to check in place of ops")(
      "elements", option(elements, "N"), "of a model: at most so many elements of each tensor; 0: all")(
      "list", po::bool_switch(&only_list), "print the ops and stop");
  all_options.add(options).add(model.description());
  if (!parse_command_line({"gradcheck", kExamples, kOutcome, "op", row_names()}, all_options, arguments))
    return kSuccess;
  take_file(names, choice);
  check_choice("order", order, {"1", "2", "both"});
  check_at_least("elements", elements, 0);
  if (choice.is_made()) check(choice);
  check_output(json);
  const std::vector<const Row*> rows = rows_named("gradcheck", names);
  if (only_list) {
    print(formulas_text(rows));
    return kSuccess;
  }

  Table table{{"op", "order", "samples", "derivatives", "worst", "verdict"}};
  Json all = Json::array();
  std::string reports;
  std::int64_t derivatives = 0;
  bool right = true;
  const auto keep = [&](const Finding& finding) {
    if (finding.samples == 0) return;
    derivatives += finding.derivatives;
    table.rows.push_back({finding.op, std::to_string(finding.order), std::to_string(finding.samples),
                          std::to_string(finding.derivatives), fmt::format("{:.2g}", finding.worst),
                          std::string(name_of(finding.verdict))});
    all.push_back(to_json(finding));
    if (finding.verdict == GradcheckVerdict::right) return;
    right = false;
    reports += "\n" + finding.report + "\n";
  };
  const auto wants = [&](int n) { return order == "both" || order == std::to_string(n); };
  StatusLine status;
  if (choice.is_made()) {
    status.show("checking the model");
    const ChosenModel chosen = choose_model(choice);
    for (const int n : {1, 2}) {
      if (!wants(n)) continue;
      for (const Finding& finding : check_model(chosen, n, elements, choice.seed)) keep(finding);
    }
  }
  if (!choice.is_made() || !names.empty()) {
    for (const Row* row : rows) {
      if (row->orders == 0 || !row->no_gradcheck.empty()) continue;
      status.show(fmt::format("checking {}", row->name));
      for (const int n : {1, 2}) {
        if (n <= row->orders && wants(n)) keep(check(*row, n));
      }
    }
  }
  status.clear();
  if (json != "-") {
    print(text_of(table) + reports);
    print(fmt::format("\n{} derivatives of {} checks: {}\n", derivatives, table.rows.size(),
                      right ? "all right" : "not all right"));
  }
  write_output(json, all.dump(2) + "\n");
  return right ? kSuccess : kWrong;
}

}  // namespace dagrad::tools
