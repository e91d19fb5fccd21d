#include "tools/bench_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/parallel.h"
#include "op_table/inputs.h"
#include "tools/chart.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/output.h"
#include "tools/page.h"
#include "tools/table.h"
#include "tools/table_rows.h"
#include "tools/timing.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;
using op_table::Row;

constexpr const char* kExamples =
    "dagrad bench: time ops\n\n"
    "Examples:\n"
    "  dagrad bench matmul conv2d                 forward and step in three sizes\n"
    "  dagrad bench tanh --size large --threads 1\n"
    "  dagrad bench softmax --dtype bf16 --json - | jq '.[].median_seconds'\n"
    "  dagrad bench --list                        the names\n\n";

constexpr const char* kOutcome =
    "\nA step records the op and runs its backward. Bytes are those of inputs and results, twice that in a step.\n"
    "Machines are noisy: compare medians, and only what was measured in one run.\n"
    "Exit codes: 0 success, 2 usage, 3 a file cannot be written.\n";

struct BenchOptions {
  std::vector<std::string> names;
  std::string size = "all", dtype = "f32", json, report;
  int threads = 0;
  double seconds = 0.2;
  bool list = false;
};

struct Measured {
  std::string op, size, kind;
  Timing timing;
  double bytes = 0, flops = 0;
};

double bytes_of(const std::vector<Tensor>& tensors) {
  double bytes = 0;
  for (const Tensor& t : tensors) bytes += static_cast<double>(t.bytes());
  return bytes;
}

Measured measure_forward(const Row& row, const op_table::Benchmark& what, const std::vector<Tensor>& inputs,
                         double seconds) {
  const NoGrad guard;
  const double bytes = bytes_of(inputs) + bytes_of(what.sample.call(inputs));
  return {row.name, what.sample.name, "forward", time_calls([&] { what.sample.call(inputs); }, seconds),
          bytes,    what.flops};
}

Measured measure_step(const Row& row, const op_table::Benchmark& what, const std::vector<Tensor>& constants,
                      double seconds) {
  std::vector<Tensor> inputs, wanted, diff;
  for (const Tensor& input : constants) {
    inputs.push_back(input.detach());
    if (is_floating(input.dtype())) wanted.push_back(inputs.back().requires_grad_());
  }
  for (const Tensor& result : what.sample.call(inputs)) diff.push_back(ones(result.shape(), result.dtype()));
  const auto step = [&] { (void)grad(what.sample.call(inputs), wanted, diff, {.allow_unused = true}); };
  return {row.name, what.sample.name, "step", time_calls(step, seconds), 2 * (bytes_of(inputs) + bytes_of(diff)), 0};
}

std::vector<Measured> measure(const BenchOptions& o) {
  const DType dtype = o.dtype == "f64" ? f64 : o.dtype == "bf16" ? bf16 : f32;
  std::vector<Measured> result;
  for (const Row* row : rows_named("bench", o.names)) {
    if (dtype == bf16 && !row->takes_bf16) continue;
    for (const op_table::Benchmark& what : row->benchmarks) {
      if (o.size != "all" && o.size != what.sample.name) continue;
      const auto inputs = op_table::to_tensors(what.sample, op_table::draw(*row, what.sample, dtype), dtype);
      result.push_back(measure_forward(*row, what, inputs, o.seconds));
      if (row->orders > 0) result.push_back(measure_step(*row, what, inputs, o.seconds));
    }
  }
  return result;
}

Table table_of(const std::vector<Measured>& all) {
  Table table{{"op", "size", "", "median", "5%", "95%", "bytes/s", "FLOP/s"}};
  for (const Measured& m : all) {
    const double median = m.timing.median();
    table.rows.push_back({m.op, m.size, m.kind, time_text(median), time_text(m.timing.percentile(0.05)),
                          time_text(m.timing.percentile(0.95)), rate_text(m.bytes / median),
                          m.flops > 0 ? rate_text(m.flops / median) : ""});
  }
  return table;
}

Json json_of(const std::vector<Measured>& all, const BenchOptions& o) {
  Json list = Json::array();
  for (const Measured& m : all) {
    const double median = m.timing.median();
    Json entry{{"op", m.op},
               {"size", m.size},
               {"kind", m.kind},
               {"dtype", o.dtype},
               {"threads", num_threads()},
               {"median_seconds", median},
               {"p05_seconds", m.timing.percentile(0.05)},
               {"p95_seconds", m.timing.percentile(0.95)},
               {"rounds", m.timing.seconds.size()},
               {"bytes_per_second", m.bytes / median}};
    if (m.flops > 0) entry["flops_per_second"] = m.flops / median;
    list.push_back(entry);
  }
  return list;
}

std::string page_of(const std::vector<Measured>& all, const BenchOptions& o) {
  std::vector<Bar> bars;
  bars.reserve(all.size());
  for (const Measured& m : all) {
    bars.push_back(
        {fmt::format("{} {} {}", m.op, m.size, m.kind), m.timing.median() * 1e6, time_text(m.timing.median())});
  }
  Page page("dagrad: bench");
  page.paragraph(fmt::format("{}, {} thread(s); the median of many calls", o.dtype, num_threads()));
  page.charts({bar_chart({.title = "Time per call", .x_label = "microseconds", .log_x = true}, bars)});
  return page.table(table_of(all)).html();
}

}  // namespace

int run_bench(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  BenchOptions o;
  po::options_description options("Options");
  options.add_options()("op", po::value(&o.names)->value_name("NAME"), "an op to time; the word op may be left out")(
      "size", option(o.size, "NAME"), "small, medium, large or all")(
      "dtype", option(o.dtype, "NAME"), "f32, bf16 or f64")("threads", option(o.threads, "N"), "0: one per core")(
      "seconds", option(o.seconds, "S"), "for each figure")("json", optional_text(o.json, "FILE"),
                                                            "the figures; - is stdout")(
      "report", optional_text(o.report, "FILE"), "an HTML page")("list", po::bool_switch(&o.list),
                                                                 "print the ops and stop");
  if (!parse_command_line({"bench", kExamples, kOutcome, "op", row_names()}, options, arguments)) return kSuccess;
  check_choice("size", o.size, {"small", "medium", "large", "all"});
  check_choice("dtype", o.dtype, {"f32", "bf16", "f64"});
  check_range("threads", o.threads, o.threads >= 0 && o.threads <= 1024, "1 to 1024, or 0 for one per core");
  check_range("seconds", o.seconds, o.seconds > 0 && o.seconds <= 3600, "more than 0, at most 3600");
  for (const std::string& file : {o.json, o.report}) {
    if (!file.empty() && file != "-") check_writable(file);
  }
  if (o.list) {
    Table table{{"op", "formula"}};
    for (const Row* row : rows_named("bench", o.names)) table.rows.push_back({row->name, row->formula});
    print(text_of(table));
    return kSuccess;
  }
  if (o.threads > 0) set_num_threads(o.threads);
  set_flush_denormals(true);
  const std::vector<Measured> all = measure(o);
  const std::string json = json_of(all, o).dump(2) + "\n";
  print(o.json == "-" ? json : text_of(table_of(all)));
  if (!o.json.empty() && o.json != "-") write_whole_file(o.json, json);
  if (!o.report.empty()) write_whole_file(o.report, page_of(all, o));
  return kSuccess;
}

}  // namespace dagrad::tools
