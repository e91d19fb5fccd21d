#include "tools/lab_command.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/lab/notebook.h"
#include "tools/option_checks.h"
#include "tools/output.h"
#include "tools/suggest.h"

namespace dagrad::tools {
namespace {

using lab::Experiment;

constexpr const char* kExamples =
    "dagrad lab: experiments that show what the theory of training deep networks says\n\n"
    "Examples:\n"
    "  dagrad lab list                    what there is\n"
    "  dagrad lab xor gradients           run these: tables here, pictures in dagrad-lab.html\n"
    "  dagrad lab all --report all.html   everything but kingma-ba, in a minute or two\n"
    "  dagrad lab optimizers --data DIR   with MNIST's t10k files in DIR\n"
    "  dagrad lab kingma-ba --data DIR --json runs.json --charts DIR\n"
    "  dagrad lab init --json - | jq '.[0].tables[0]'\n\n";

constexpr const char* kOutcome =
    "\nSeeds are fixed: a run gives the same each time (but for times).\n"
    "Exit codes: 0 success, 2 usage, 3 a file cannot be written, 4 an experiment failed.\n";

std::vector<Experiment> chosen(const std::vector<std::string>& names, const std::vector<std::string>& known) {
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UsageError(fmt::format("lab: no experiment '{}'{} (see dagrad lab list)", name, suggestion(name, known)));
  }
  std::vector<Experiment> result;
  const bool all = std::find(names.begin(), names.end(), "all") != names.end();
  for (const Experiment& e : lab::experiments()) {
    if ((all && !e.takes_minutes) || std::find(names.begin(), names.end(), e.name) != names.end()) result.push_back(e);
  }
  return result;
}

}  // namespace

int run_lab(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  std::vector<std::string> names;
  std::string report = "dagrad-lab.html", json, charts, data;
  int threads = 0;
  po::options_description options("Options");
  options.add_options()("experiment", po::value(&names)->value_name("NAME"),
                        "what to run, all or list; the word experiment may be left out")(
      "data", optional_text(data, "DIR"), "MNIST's files: kingma-ba needs them, optimizers tries t10k's as well")(
      "report", option(report, "FILE"), "an HTML page with the pictures, or none")(
      "charts", optional_text(charts, "DIR"), "each chart as an SVG file as well")(
      "json", optional_text(json, "FILE"), "findings and tables; - is stdout")("threads", option(threads, "N"),
                                                                               "0: one per core");
  std::vector<std::string> known{"all", "list"};
  for (const Experiment& e : lab::experiments()) known.push_back(e.name);
  if (!parse_command_line({"lab", kExamples, kOutcome, "experiment", known}, options, arguments)) return kSuccess;
  check_threads(threads);
  if (names.empty()) throw UsageError("lab: nothing to run (want names, all or list; see dagrad lab --help)");
  const std::vector<Experiment> experiments = chosen(names, known);
  if (std::find(names.begin(), names.end(), "list") != names.end()) {
    Table table{{"experiment", "question"}};
    for (const Experiment& e : lab::experiments()) table.rows.push_back({e.name, e.question});
    print(text_of(table));
    return kSuccess;
  }
  if (report == "none") report.clear();
  for (const std::string& file : {report, json}) check_output(file);
  if (!charts.empty()) check_writable(charts + "/chart.svg");
  if (threads > 0) set_num_threads(threads);
  set_flush_denormals(true);

  Page page("dagrad lab");
  lab::Notebook book(page, json != "-", data);
  for (const Experiment& e : experiments) {
    book.begin(e.name, e.question);
    e.run(book);
  }
  write_output(json, book.json().dump(2) + "\n");
  for (const auto& [name, svg] : book.drawn()) {
    if (!charts.empty()) write_whole_file(fmt::format("{}/{}.svg", charts, name), standalone(svg));
  }
  if (!report.empty()) {
    write_whole_file(report, page.html());
    if (json != "-") print(fmt::format("\nreport: {}\n", report));
  }
  return kSuccess;
}

}  // namespace dagrad::tools
