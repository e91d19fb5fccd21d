#include "tools/graph_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dagrad/core/denormals.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "tools/chart.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/graph/drawing.h"
#include "tools/graph/render.h"
#include "tools/model_choice.h"
#include "tools/option_checks.h"
#include "tools/output.h"
#include "tools/page.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kExamples =
    "dagrad graph: draw the recorded graph of a model's step, with what each op costs\n\n"
    "Examples:\n"
    "  dagrad graph                              an mlp's; dagrad-graph.dot and dagrad-graph.svg\n"
    "  dagrad graph --model cnn --batch 128 --report graph.html\n"
    "  dagrad graph net.safetensors --level 1    a trained model, a node for each part\n"
    "  dagrad graph --model lstm --input 50,32 --json - | jq .peak_bytes\n\n";

constexpr const char* kOutcome =
    "\nA step is a forward with the loss, and the backward from it. Ops are coloured by kind, the critical path (the\n"
    "one that takes longest) is red; edges are the wider the larger the tensor is. A time reads 'forward + back'.\n"
    "The SVG needs Graphviz' program dot; without it there is the .dot file alone.\n"
    "Exit codes: 0 success, 2 usage, 3 a file that cannot be read or written, 4 the step or dot failed.\n";

/// More than this, and dot takes minutes: 1000 nodes take it some seconds.
constexpr std::size_t kMostToRender = 2000;

struct GraphOptions {
  ModelChoice model;
  std::string out = "dagrad-graph", report, json;
  int level = -1, threads = 0;
  std::int64_t nodes = 80;
  double seconds = 0.3;
};

void check(const GraphOptions& o) {
  check(o.model);
  check_range("level", o.level, o.level >= -1 && o.level <= 1000, "0 for every op, or how deep modules are shown");
  check_at_least("nodes", o.nodes, 1);
  check_threads(o.threads);
  check_range("seconds", o.seconds, o.seconds >= 0 && o.seconds <= 3600, "0 to 3600");
  if (o.out != "none" && !o.out.empty()) check_writable(o.out + ".dot");
  for (const std::string& file : {o.report, o.json}) check_output(file);
}

std::string describe(const Detail& detail, const Drawing& drawing, const Graph& graph) {
  const std::size_t shown = boost::num_vertices(drawing);
  if (shown == graph.size()) return fmt::format("every one of the {} nodes", graph.size());
  std::string how;
  if (detail.level > 0) how = fmt::format("modules below level {} as one node each", detail.level);
  if (detail.by_line) how += std::string(how.empty() ? "" : ", ") + "ops of one line of source as one node";
  return fmt::format("{} nodes for {}: {}", shown, graph.size(), how);
}

/// The SVG with a style sheet of its own, as a file.
std::string standalone_drawing(std::string svg) {
  svg.insert(svg.find('>') + 1, "\n<style>\n" + drawing_style() +
                                    "@media (prefers-color-scheme: dark) { svg { background: #0d1117; } }\n</style>");
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + svg;
}

std::string legend() {
  std::string html = "<p class=\"legend\">";
  for (const OpKind kind : kOpKinds) {
    html += fmt::format(
        "<span><svg viewBox=\"0 0 14 14\" class=\"swatch\"><g class=\"node kind_{}\"><polygon points=\"1,1 13,1 13,13 "
        "1,13\" "
        "stroke=\"#8b949e\"/></g></svg>{}</span> ",
        class_of(kind), escape(std::string(describe(kind))));
  }
  return html + "</p>";
}

std::string memory_chart(const StepProfile& profile) {
  Series forward{"forward", {}, {}}, backward{"backward", {}, {}};
  for (std::size_t i = 0; i < profile.live_bytes.size(); ++i) {
    Series& series = i < profile.forward_ops ? forward : backward;
    series.x.push_back(static_cast<double>(i + 1));
    series.y.push_back(profile.live_bytes[i] / (1 << 20));
  }
  return line_chart({.title = "Live memory after each op", .x_label = "op", .y_label = "MiB"}, {forward, backward});
}

std::string page_of(const std::string& title, const StepProfile& profile, const std::string& what,
                    const std::optional<std::string>& svg, const std::string& dot) {
  Page page("dagrad: the graph of " + title);
  page.raw("<style>" + drawing_style() +
           ".graph svg { width: auto; max-width: none; } .swatch { width: 1em; height: 1em; vertical-align: -.15em; "
           "margin-right: .3em; } .legend span { white-space: nowrap; margin-right: .8em; }</style>");
  page.table(summary_of(profile)).heading("What takes longest").table(costly_ops(profile, 15));
  page.charts({memory_chart(profile)});
  page.heading("The graph").paragraph("Shown: " + what + ". Red: the critical path.").raw(legend());
  if (svg)
    page.raw("<div class=\"scroll graph\">" + *svg + "</div>");
  else
    page.paragraph(kNoDot).raw("<div class=\"scroll\"><pre>" + escape(dot) + "</pre></div>");
  return page.html();
}

Json json_of(const std::string& title, const StepProfile& profile) {
  Json nodes = Json::array(), edges = Json::array();
  const Graph& graph = profile.graph;
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    const Node& node = graph.node(v);
    Json shapes = Json::array();
    for (const NodeOutput& output : node.outputs())
      shapes.push_back({{"shape", std::vector<std::int64_t>(output.shape.begin(), output.shape.end())},
                        {"dtype", std::string(name_of(output.dtype))}});
    nodes.push_back({{"op", std::string(node.name())},
                     {"kind", std::string(class_of(kind_of(node.name())))},
                     {"label", node.label()},
                     {"module", std::string(node.module())},
                     {"attributes", node.attributes()},
                     {"results", shapes},
                     {"bytes", profile.nodes[v].bytes},
                     {"saved_bytes", profile.nodes[v].saved},
                     {"forward_seconds", profile.nodes[v].forward},
                     {"backward_seconds", profile.nodes[v].backward},
                     {"flops", profile.nodes[v].flops}});
  }
  for (const auto& edge : boost::make_iterator_range(boost::edges(graph.model())))
    edges.push_back({{"from", boost::source(edge, graph.model())},
                     {"to", boost::target(edge, graph.model())},
                     {"output", graph.model()[edge].output},
                     {"input", graph.model()[edge].input}});
  return {{"model", title},
          {"depth", graph.depth()},
          {"critical_path", profile.critical_path()},
          {"saved_bytes", profile.saved_bytes()},
          {"start_bytes", profile.start_bytes},
          {"peak_bytes", profile.peak_bytes},
          {"step_seconds", profile.seconds},
          {"op_seconds", profile.op_seconds()},
          {"runs", profile.runs},
          {"nodes", nodes},
          {"edges", edges}};
}

}  // namespace

int run_graph(const std::vector<std::string>& arguments) {
  namespace po = boost::program_options;
  GraphOptions o;
  OptionList model("Model"), drawing_options("Drawing"), output("Output");
  describe(o.model, model);
  model.add("dtype", o.model.dtype, "NAME", "f32, bf16 or f64");
  drawing_options
      .add("level", o.level, "N", "0: every op; else draw modules nested deeper than N as one node; -1: choose")
      .add("nodes", o.nodes, "N", "when choosing: the most nodes to draw")
      .add("seconds", o.seconds, "S", "how long to measure")
      .add("threads", o.threads, "N", "0: one per core");
  output.add("out", o.out, "NAME", "write NAME.dot and NAME.svg; none: do not")
      .add("report", o.report, "FILE", "an HTML page with the drawing")
      .add("json", o.json, "FILE", "nodes, edges and figures; - is stdout");
  po::options_description hidden("Positional"), all;
  hidden.add_options()("file", po::value(&o.model.file)->value_name("FILE"),
                       "a model saved by dagrad train; the word file may be left out");
  all.add(hidden).add(model.description()).add(drawing_options.description()).add(output.description());
  if (!parse_command_line({"graph", kExamples, kOutcome, "file"}, all, arguments)) return kSuccess;
  check(o);
  if (o.threads > 0) set_num_threads(o.threads);
  set_flush_denormals(true);

  const ChosenModel chosen = choose_model(o.model);
  const StepProfile profile = profile_step([&] { return chosen.loss(); }, o.seconds);
  const Detail detail =
      o.level >= 0 ? Detail{o.level, false} : fitting_detail(profile.graph, static_cast<std::size_t>(o.nodes));
  const Drawing drawing = draw(profile, detail);
  std::ostringstream dot;
  write_dot(dot, drawing);

  const bool writes_drawing = o.out != "none" && !o.out.empty();
  if (writes_drawing) write_whole_file(o.out + ".dot", dot.str());
  std::optional<std::string> svg;
  std::string note;
  if (boost::num_vertices(drawing) > kMostToRender)
    note = fmt::format("{} nodes are too many for dot (want --level 1, or --nodes {})", boost::num_vertices(drawing),
                       kMostToRender);
  else if (writes_drawing || !o.report.empty())
    svg = svg_of_dot(dot.str());
  if (svg && writes_drawing) write_whole_file(o.out + ".svg", standalone_drawing(*svg));
  if (!svg && note.empty()) note = kNoDot;

  const std::string what = describe(detail, drawing, profile.graph);
  if (!o.report.empty()) write_whole_file(o.report, page_of(chosen.title, profile, what, svg, dot.str()));
  const std::string json = json_of(chosen.title, profile).dump(2) + "\n";
  write_output(o.json, json);
  if (o.json == "-") return kSuccess;
  print(text_of(summary_of(profile)) + "\n" + text_of(costly_ops(profile, 10)));
  print(fmt::format("\ndrawn: {}\n", what));
  if (writes_drawing) print(fmt::format("files: {0}.dot{1}\n", o.out, svg ? fmt::format(", {}.svg", o.out) : ""));
  if (!svg && (writes_drawing || !o.report.empty())) print(fmt::format("no SVG: {}\n", note));
  if (!o.report.empty()) print(fmt::format("report: {}\n", o.report));
  return kSuccess;
}

}  // namespace dagrad::tools
