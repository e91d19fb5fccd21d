#include "tools/graph/drawing.h"

#include <algorithm>
#include <boost/graph/graphviz.hpp>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <ostream>
#include <set>
#include <tuple>
#include <unordered_map>

#include "tools/timing.h"

namespace dagrad::tools {
namespace {

using Vertex = Graph::Vertex;

/// The first `level` parts of a dotted name.
std::string first_parts(const std::string& name, int level) {
  std::size_t end = 0;
  for (int i = 0; i < level && end != std::string::npos; ++i) end = name.find('.', end == 0 ? 0 : end + 1);
  return name.substr(0, end);
}

int parts_of(const std::string& name) {
  return name.empty() ? 0 : 1 + static_cast<int>(std::count(name.begin(), name.end(), '.'));
}

/// The module that recorded an op; of a parameter, the one that its name says, when it recorded anything.
std::vector<std::string> modules_of(const Graph& graph) {
  std::vector<std::string> result(graph.size());
  std::set<std::string> known;
  for (Vertex v = 0; v < graph.size(); ++v) {
    result[v] = graph.node(v).module();
    for (int level = parts_of(result[v]); level > 0; --level) known.insert(first_parts(result[v], level));
  }
  for (Vertex v = 0; v < graph.size(); ++v) {
    if (!graph.node(v).is_leaf()) continue;
    const std::string label = graph.node(v).label();
    const std::size_t dot = label.rfind('.');
    if (dot != std::string::npos && known.count(label.substr(0, dot)) > 0) result[v] = label.substr(0, dot);
  }
  return result;
}

std::size_t count_groups(const Graph& graph, const Detail& detail) {
  const std::vector<std::size_t> groups = groups_of(graph, detail);
  return groups.empty() ? 0 : *std::max_element(groups.begin(), groups.end()) + 1;
}

std::string spec_text(const NodeOutput& output) {
  return fmt::format("{} {}", output.shape.str(), name_of(output.dtype));
}

std::string times_text(double forward, double backward) {
  if (forward + backward <= 0) return {};
  if (forward <= 0) return time_text(backward) + " back";  // a view
  return fmt::format("{} + {} back", time_text(forward), time_text(backward));
}

/// The attributes in lines that make no node wider than its neighbours; a list in brackets stays whole.
std::vector<std::string> wrapped(const std::string& text) {
  constexpr std::size_t kWidest = 30;
  std::vector<std::string> words(1), lines;
  int depth = 0;
  for (const char c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ' ' && depth == 0)
      words.emplace_back();
    else
      words.back() += c;
  }
  for (const std::string& word : words) {
    if (lines.empty() || lines.back().size() + 1 + word.size() > kWidest)
      lines.push_back(word);
    else
      lines.back() += " " + word;
  }
  return lines;
}

/// What a drawing says of a single op or leaf.
DrawnNode single(const Node& node, const NodeCost& cost) {
  DrawnNode drawn;
  drawn.name = node.is_leaf() && !node.label().empty() ? node.label() : std::string(node.name());
  drawn.kind = kind_of(node.name());
  if (const std::string attributes = node.attributes(); !attributes.empty()) drawn.lines = wrapped(attributes);
  std::vector<std::string> specs;
  specs.reserve(node.outputs().size());
  for (const NodeOutput& output : node.outputs()) specs.push_back(spec_text(output));
  if (specs.size() > 3) specs = {specs[0], fmt::format("and {} more", specs.size() - 1)};
  specs.back() += ", " + bytes_text(static_cast<double>(cost.bytes));
  drawn.lines.insert(drawn.lines.end(), specs.begin(), specs.end());
  if (const std::string times = times_text(cost.forward, cost.backward); !times.empty()) drawn.lines.push_back(times);
  if (*node.where().file != '\0')
    drawn.tip = fmt::format("{}:{}", std::filesystem::path(node.where().file).filename().string(), node.where().line);
  return drawn;
}

/// What it says of several.
DrawnNode several(const StepProfile& profile, const std::vector<Vertex>& vertices, const std::string& name) {
  DrawnNode drawn;
  drawn.ops = vertices.size();
  std::map<std::string, std::size_t> names;
  std::size_t ops = 0, leaves = 0, parameters = 0, saved = 0;
  double forward = 0, backward = 0, most = -1;
  for (const Vertex v : vertices) {
    const Node& node = profile.graph.node(v);
    const NodeCost& cost = profile.nodes[v];
    saved += cost.saved;
    if (node.is_leaf()) {
      ++leaves;
      parameters += cost.bytes;
      continue;
    }
    ++ops;
    ++names[std::string(node.name())];
    forward += cost.forward;
    backward += cost.backward;
    if (cost.seconds() <= most) continue;
    most = cost.seconds();
    drawn.kind = kind_of(node.name());
  }
  drawn.name = name;
  std::vector<std::string> parts;
  parts.reserve(names.size());
  for (const auto& [op, count] : names) parts.push_back(count == 1 ? op : fmt::format("{} {}", count, op));
  if (parts.size() > 4) parts = {parts[0], parts[1], parts[2], fmt::format("and {} more", parts.size() - 3)};
  drawn.lines.push_back(fmt::format("{}", fmt::join(parts, ", ")));
  if (leaves > 0)
    drawn.lines.push_back(fmt::format("{} leaves, {}", leaves, bytes_text(static_cast<double>(parameters))));
  drawn.lines.push_back(fmt::format("keeps {}", bytes_text(static_cast<double>(saved))));
  if (const std::string times = times_text(forward, backward); !times.empty()) drawn.lines.push_back(times);
  drawn.tip = fmt::format("{} nodes", ops + leaves);
  return drawn;
}

std::string quoted(const std::string& text) { return boost::escape_dot_string(text); }

/// The boxes around the nodes of each module, nested as the modules are.
void write_boxes(std::ostream& out, const Drawing& drawing) {
  struct Box {
    std::map<std::string, Box> inside;
    std::vector<std::size_t> nodes;
  };
  Box root;
  for (const auto v : boost::make_iterator_range(boost::vertices(drawing))) {
    const DrawnNode& node = drawing[v];
    if (node.ops > 1) continue;  // it stands for the module itself
    Box* box = &root;
    for (int level = 1; level <= parts_of(node.module); ++level) box = &box->inside[first_parts(node.module, level)];
    box->nodes.push_back(v);
  }
  int number = 0;
  const auto write = [&](const auto& self, const Box& box, const std::string& name) -> void {
    if (!name.empty()) {
      out << "subgraph cluster_" << number++ << " { label=" << quoted(name)
          << "; class=\"module\"; style=rounded; color=\"#b0b7bf\"; fontcolor=\"#6a737d\"; labeljust=l;\n";
      for (const std::size_t v : box.nodes) out << v << ";\n";
    }
    for (const auto& [inner, content] : box.inside) self(self, content, inner);
    if (!name.empty()) out << "}\n";
  };
  write(write, root, "");
}

}  // namespace

std::vector<std::size_t> groups_of(const Graph& graph, const Detail& detail) {
  const std::vector<std::string> modules = modules_of(graph);
  std::vector<std::size_t> result;
  std::map<std::tuple<std::string, std::string, std::uint32_t>, std::size_t> numbers;
  std::size_t next = 0;
  for (Vertex v = 0; v < graph.size(); ++v) {
    const Node& node = graph.node(v);
    std::tuple<std::string, std::string, std::uint32_t> key;
    if (detail.level > 0 && !modules[v].empty())
      key = {first_parts(modules[v], detail.level), "", 0};
    else if (detail.by_line && !node.is_leaf())
      key = {"", node.where().file, node.where().line};
    else {
      result.push_back(next++);
      continue;
    }
    const auto [entry, is_new] = numbers.emplace(std::move(key), next);
    if (is_new) ++next;
    result.push_back(entry->second);
  }
  return result;
}

Detail fitting_detail(const Graph& graph, std::size_t most) {
  int deepest = 0;
  for (const std::string& module : modules_of(graph)) deepest = std::max(deepest, parts_of(module));
  std::vector<Detail> candidates{{}};
  for (int level = deepest; level > 0; --level) candidates.push_back({level, false});
  for (int level = deepest; level > 0; --level) candidates.push_back({level, true});
  if (deepest == 0) candidates.push_back({0, true});
  const auto found = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const Detail& detail) { return count_groups(graph, detail) <= most; });
  return found == candidates.end() ? candidates.back() : *found;
}

Drawing draw(const StepProfile& profile, const Detail& detail) {
  const Graph& graph = profile.graph;
  const std::vector<std::size_t> groups = groups_of(graph, detail);
  const std::vector<std::string> modules = modules_of(graph);
  std::vector<std::vector<Vertex>> members;
  for (Vertex v = 0; v < graph.size(); ++v) {
    if (groups[v] >= members.size()) members.resize(groups[v] + 1);
    members[groups[v]].push_back(v);
  }
  Drawing drawing(members.size());
  for (std::size_t g = 0; g < members.size(); ++g) {
    const Vertex first = members[g][0];
    const Node& node = graph.node(first);
    if (members[g].size() == 1) {
      drawing[g] = single(node, profile.nodes[first]);
      drawing[g].module = modules[first];
    } else {
      const std::string& module = modules[first];
      const bool is_module = detail.level > 0 && !module.empty();
      drawing[g] = several(
          profile, members[g],
          is_module
              ? first_parts(module, detail.level)
              : fmt::format("{}:{}", std::filesystem::path(node.where().file).filename().string(), node.where().line));
      drawing[g].module = is_module ? first_parts(module, detail.level) : "";
    }
  }
  const std::vector<Vertex> path = profile.critical_path();
  std::set<std::pair<std::size_t, std::size_t>> critical;
  for (std::size_t i = 0; i < path.size(); ++i) {
    drawing[groups[path[i]]].critical = true;
    if (i > 0) critical.emplace(groups[path[i - 1]], groups[path[i]]);
  }

  // The tensors between two nodes: each output once, however often it is used.
  std::map<std::pair<std::size_t, std::size_t>, std::set<std::pair<Vertex, std::uint32_t>>> tensors;
  for (const auto& edge : boost::make_iterator_range(boost::edges(graph.model()))) {
    const Vertex from = boost::source(edge, graph.model()), to = boost::target(edge, graph.model());
    if (groups[from] != groups[to]) tensors[{groups[from], groups[to]}].emplace(from, graph.model()[edge].output);
  }
  for (const auto& [ends, outputs] : tensors) {
    DrawnEdge drawn;
    for (const auto& [v, output] : outputs) {
      const NodeOutput& spec = graph.node(v).outputs()[output];
      drawn.bytes += static_cast<double>(bytes_of(spec));
      drawn.label = outputs.size() == 1 ? spec.shape.str() : fmt::format("{} tensors", outputs.size());
    }
    drawn.critical = critical.count(ends) > 0;
    boost::add_edge(ends.first, ends.second, drawn, drawing);
  }
  return drawing;
}

void write_dot(std::ostream& out, const Drawing& drawing) {
  const auto write_node = [&](std::ostream& to, std::size_t v) {
    const DrawnNode& node = drawing[v];
    std::string label = node.name;
    for (const std::string& line : node.lines) label += "\n" + line;
    const char* const shape = node.ops > 1 ? "box3d" : "box";
    to << "[label=" << quoted(label) << ", shape=" << shape << ", style=\""
       << (node.kind == OpKind::leaf || node.ops > 1 ? "filled" : "filled,rounded") << "\", fillcolor=\""
       << light_color(node.kind) << "\", class=\"kind_" << class_of(node.kind) << (node.critical ? " critical" : "")
       << "\", tooltip=" << quoted(node.tip.empty() ? node.name : node.tip);
    if (node.critical) to << ", color=\"#c0392b\", penwidth=2";
    to << "]";
  };
  const auto write_edge = [&](std::ostream& to, const auto& edge) {
    const DrawnEdge& drawn = drawing[edge];
    // A byte is a hair, a megabyte a line, a gigabyte a bar.
    const double width = 0.6 + 0.25 * std::log10(1 + drawn.bytes / 1024);
    to << "[label=" << quoted(drawn.label) << ", penwidth=" << fmt::format("{:.2f}", width) << ", class=\"tensor"
       << (drawn.critical ? " critical" : "")
       << "\", edgetooltip=" << quoted(fmt::format("{}, {}", drawn.label, bytes_text(drawn.bytes)));
    if (drawn.critical) to << ", color=\"#c0392b\"";
    to << "]";
  };
  const auto write_graph = [&](std::ostream& to) {
    to << "graph [rankdir=TB, bgcolor=\"transparent\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, "
          "nodesep=0.25, "
          "ranksep=0.35];\n"
          "node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, color=\"#8b949e\", margin=\"0.25,0.06\"];\n"
          "edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=8, color=\"#57606a\", fontcolor=\"#57606a\", "
          "arrowsize=0.6];\n";
    write_boxes(to, drawing);
  };
  boost::write_graphviz(out, drawing, write_node, write_edge, write_graph);
}

std::string drawing_style() {
  std::string style, dark;
  for (const OpKind kind : kOpKinds) {
    style += fmt::format(".node.kind_{0} polygon, .node.kind_{0} path {{ fill: {1}; }}\n", class_of(kind),
                         light_color(kind));
    dark +=
        fmt::format(".node.kind_{0} polygon, .node.kind_{0} path {{ fill: {1}; }}\n", class_of(kind), dark_color(kind));
  }
  return style +
         ".node text { fill: #1b1f24; } .edge text { fill: #57606a; }\n@media (prefers-color-scheme: dark) {\n" + dark +
         ".node text { fill: #e6edf3; } .edge text, .cluster text { fill: #9aa4ae; }\n"
         ".edge path { stroke: #9aa4ae; } .edge polygon { stroke: #9aa4ae; fill: #9aa4ae; }\n"
         ".critical path, .critical polygon { stroke: #ff7b72; }\n}\n";
}

}  // namespace dagrad::tools
