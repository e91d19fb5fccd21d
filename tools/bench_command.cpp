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
#include "tools/graph/flops.h"
#include "tools/graph/step_profile.h"
#include "tools/model_choice.h"
#include "tools/option_checks.h"
#include "tools/output.h"
#include "tools/page.h"
#include "tools/progress.h"
#include "tools/table.h"
#include "tools/table_rows.h"
#include "tools/timing.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;
using op_table::Row;

constexpr const char* kExamples =
    "dagrad bench: time ops and models\n\n"
    "Examples:\n"
    "  dagrad bench matmul conv2d                 forward and step in three sizes\n"
    "  dagrad bench tanh --size large --threads 1\n"
    "  dagrad bench softmax --dtype bf16 --json - | jq '.[].median_seconds'\n"
    "  dagrad bench --model cnn --batch 128       a model's forward and step\n"
    "  dagrad bench net.safetensors               a trained model's\n"
    "  dagrad bench --list                        the names of the ops\n\n";

constexpr const char* kOutcome =
    "\nA step records the op, or the model with its loss, and runs the backward. Bytes are those of inputs and "
    "results\n"
    "(of a model: of all its ops), twice that in a step. FLOPs are those of products, convolutions and recurrences.\n"
    "Machines are noisy: compare medians, and only what was measured in one run.\n"
    "Exit codes: 0 success, 2 usage, 3 a file cannot be written.\n";

struct BenchOptions {
  std::vector<std::string> names;
  ModelChoice model;
  std::string size = "all", json, report;
  int threads = 0;
  double seconds = 0.2;
  bool list = false;
};

struct Measured {
  std::string op, size, kind;
  Timing timing;
  double bytes = 0, flops = 0;
  std::int64_t samples = 0;  // of a model's batch
};

double total_bytes(const std::vector<Tensor>& tensors) {
  double bytes = 0;
  for (const Tensor& t : tensors) bytes += static_cast<double>(t.bytes());
  return bytes;
}

Measured measure_forward(const Row& row, const op_table::Benchmark& what, const std::vector<Tensor>& inputs,
                         double seconds) {
  const NoGrad guard;
  const double bytes = total_bytes(inputs) + total_bytes(what.sample.call(inputs));
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
  return {row.name, what.sample.name, "step", time_calls(step, seconds), 2 * (total_bytes(inputs) + total_bytes(diff)),
          0};
}

std::vector<Measured> measure_model(const BenchOptions& o) {
  const ChosenModel chosen = choose_model(o.model);
  const Graph graph(chosen.loss());
  double bytes = 0;
  for (const auto& edge : boost::make_iterator_range(boost::edges(graph.model())))
    bytes += static_cast<double>(
        bytes_of(graph.node(boost::source(edge, graph.model())).outputs()[graph.model()[edge].output]));
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    if (graph.node(v).is_leaf()) continue;
    for (const NodeOutput& output : graph.node(v).outputs()) bytes += static_cast<double>(bytes_of(output));
  }
  const auto predict = [&] {
    const NoGrad guard;
    (void)chosen.module(chosen.x);
  };
  const std::vector<Tensor> parameters = chosen.module->parameters();
  const auto step = [&] { (void)grad(chosen.loss(), parameters, {.allow_unused = true}); };
  const double forward = forward_flops(graph), both = forward + backward_flops(graph);
  chosen.module->eval();
  const Timing forward_timing = time_calls(predict, o.seconds);
  chosen.module->train();
  return {{chosen.title, "", "forward", forward_timing, bytes, forward, o.model.batch},
          {chosen.title, "", "step", time_calls(step, o.seconds), 2 * bytes, both, o.model.batch}};
}

std::vector<Measured> measure(const BenchOptions& o) {
  std::vector<Measured> result;
  if (o.model.is_made()) result = measure_model(o);
  if (o.model.is_made() && o.names.empty()) return result;
  const DType dtype = o.model.dtype == "f64" ? f64 : o.model.dtype == "bf16" ? bf16 : f32;
  StatusLine status;
  for (const Row* row : rows_named("bench", o.names)) {
    status.show(fmt::format("timing {}", row->name));
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
  Table table{{"op", "size", "", "median", "5%", "95%", "99%", "bytes/s", "FLOP/s", "samples/s"}};
  for (const Measured& m : all) {
    const double median = m.timing.median();
    table.rows.push_back({m.op, m.size, m.kind, time_text(median), time_text(m.timing.percentile(0.05)),
                          time_text(m.timing.percentile(0.95)), time_text(m.timing.percentile(0.99)),
                          rate_text(m.bytes / median), m.flops > 0 ? rate_text(m.flops / median) : "",
                          m.samples > 0 ? rate_text(static_cast<double>(m.samples) / median) : ""});
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
               {"dtype", o.model.dtype},
               {"threads", num_threads()},
               {"median_seconds", median},
               {"least_seconds", m.timing.seconds.front()},
               {"p05_seconds", m.timing.percentile(0.05)},
               {"p25_seconds", m.timing.percentile(0.25)},
               {"p75_seconds", m.timing.percentile(0.75)},
               {"p95_seconds", m.timing.percentile(0.95)},
               {"p99_seconds", m.timing.percentile(0.99)},
               {"rounds", m.timing.seconds.size()},
               {"bytes_per_second", m.bytes / median}};
    if (m.flops > 0) entry["flops_per_second"] = m.flops / median;
    if (m.samples > 0) entry["samples_per_second"] = static_cast<double>(m.samples) / median;
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
  page.paragraph(fmt::format("{}, {} thread(s); the median of many calls", o.model.dtype, num_threads()));
  page.charts({bar_chart({.title = "Time per call", .x_label = "microseconds", .log_x = true}, bars)});
  return page.table(table_of(all)).html();
}

}  // namespace

int run_bench(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  BenchOptions o;
  o.model.options.kind.clear();
  OptionList model("Model");
  describe(o.model, model);
  po::options_description options("Options"), all_options;
  options.add_options()("op", po::value(&o.names)->value_name("NAME"),
                        "an op to time, or a model file; the word op may be left out")("size", option(o.size, "NAME"),
                                                                                       "small, medium, large or all")(
      "dtype", option(o.model.dtype, "NAME"), "f32, bf16 or f64")("threads", option(o.threads, "N"), "0: one per core")(
      "seconds", option(o.seconds, "S"), "for each figure")("json", optional_text(o.json, "FILE"),
                                                            "the figures; - is stdout")(
      "file", optional_text(o.model.file, "FILE"), "a model saved by dagrad train, to time in place of ops")(
      "report", optional_text(o.report, "FILE"), "an HTML page")("list", po::bool_switch(&o.list),
                                                                 "print the ops and stop");
  all_options.add(options).add(model.description());
  if (!parse_command_line({"bench", kExamples, kOutcome, "op", row_names()}, all_options, arguments)) return kSuccess;
  take_file(o.names, o.model);
  check_choice("size", o.size, {"small", "medium", "large", "all"});
  check_choice("dtype", o.model.dtype, {"f32", "bf16", "f64"});
  if (o.model.is_made()) check(o.model);
  check_threads(o.threads);
  check_range("seconds", o.seconds, o.seconds > 0 && o.seconds <= 3600, "more than 0, at most 3600");
  for (const std::string& file : {o.json, o.report}) check_output(file);
  if (o.list) {
    print(formulas_text(rows_named("bench", o.names)));
    return kSuccess;
  }
  if (o.threads > 0) set_num_threads(o.threads);
  set_flush_denormals(true);
  const std::vector<Measured> all = measure(o);
  const std::string json = json_of(all, o).dump(2) + "\n";
  if (o.json != "-") print(text_of(table_of(all)));
  write_output(o.json, json);
  if (!o.report.empty()) write_whole_file(o.report, page_of(all, o));
  return kSuccess;
}

}  // namespace dagrad::tools
