#include "op_table/op_reference.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

#include "op_table/inputs.h"
#include "op_table/op_table.h"
#include "op_table/sources.h"

namespace dagrad::op_table {
namespace {

/// Text with what Markdown would take for markup made plain, but for names in backticks.
std::string escaped(const std::string& text) {
  std::string result;
  bool name = false;
  for (const char c : text) {
    name = name != (c == '`');
    if (!name && (c == '*' || c == '<')) result += '\\';
    result += c;
  }
  return result;
}

std::string with_spaces(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

std::string code_list(const std::vector<std::string>& names) {
  std::vector<std::string> items;
  items.reserve(names.size());
  for (const std::string& name : names) items.push_back(code(name));
  return fmt::format("{}", fmt::join(items, ", "));
}

// --- shapes and types ---

/// A sample that shows what shapes go in and come out.
std::string example(const Row& row, const Sample& sample) {
  const auto list = [](const auto& items) {
    std::vector<std::string> shapes;
    shapes.reserve(items.size());
    for (const auto& item : items) shapes.push_back(item.shape.str());
    return fmt::format("{}", fmt::join(shapes, ", "));
  };
  return code(list(sample.inputs) + " -> " + list(sample.reference(draw(row, sample, f64))));
}

std::string shapes(const Row& row) {
  if (!row.shapes.empty()) return row.shapes;
  const auto some = [](const Input& input) { return count_of(input.shape) > 0; };
  const auto several = [](const Input& input) { return count_of(input.shape) > 1; };
  std::vector<std::string> examples;
  for (const bool of_all : {true, false}) {  // best are those in which no input is a single number
    for (const Sample& sample : row.samples) {
      const std::vector<Input>& in = sample.inputs;
      const bool telling = of_all
                               ? std::all_of(in.begin(), in.end(), several)
                               : std::all_of(in.begin(), in.end(), some) && std::any_of(in.begin(), in.end(), several);
      if (!telling || !sample.small() || examples.size() == 3) continue;
      const std::string text = example(row, sample);
      if (std::find(examples.begin(), examples.end(), text) == examples.end()) examples.push_back(text);
    }
  }
  return fmt::format("{}", fmt::join(examples, ", "));
}

std::string types(const Row& row) {
  std::vector<std::string> computed, others;
  const std::vector<Input>& inputs = row.samples.front().inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].dtype) others.push_back(fmt::format("input {} is {}", i, name_of(*inputs[i].dtype)));
  }
  if (others.size() < inputs.size()) {
    computed = {"f32", "f64"};
    if (row.takes_bf16) computed.emplace_back("bf16");
    if (row.takes_i64) computed.emplace_back("i64");
  } else {
    others = {std::string(name_of(*inputs.front().dtype))};
  }
  std::string text = fmt::format("{}", fmt::join(computed, ", "));
  if (!others.empty()) text += fmt::format("{}{}", text.empty() ? "" : "; ", fmt::join(others, ", "));
  const DType result = row.result_type ? row.result_type(f32) : f32;
  if (result != f32) text += fmt::format("; the result is {}", name_of(result));
  return text;
}

// --- gradients ---

std::string gradient(const Row& row, const Sources& sources) {
  if (row.orders == 0) return "none";
  std::string text = row.gradient;
  if (text.empty() && row.composite) return "that of the ops it is made of";
  for (const std::string& op : row.covered()) {
    const std::string formula = sources.gradient(op);
    if (!text.empty() || formula.empty()) continue;
    text = code(formula);
  }
  return text + (text.empty() ? "" : "; ") + (row.orders == 1 ? "once" : "any order");
}

// --- kernels ---

std::string kernel(const Row& row) {
  if (row.primitive.empty()) return row.composite ? "those of the ops it is made of" : "own";
  const char* where = row.elementwise ? "large f32 and bf16 tensors" : "f32 and bf16";
  return fmt::format("oneDNN {} for {}, else own", code(row.primitive), where);
}

// --- edges ---

std::string number(double value) { return std::isnan(value) ? "nan" : fmt::format("{:g}", value); }

void nested(std::string& text, const Array& array, int axis, std::int64_t& next) {
  if (axis == array.shape.rank()) {
    text += number(array[next++]);
    return;
  }
  text += '[';
  for (std::int64_t i = 0; i < array.shape[axis]; ++i) {
    if (i > 0) text += ", ";
    nested(text, array, axis + 1, next);
  }
  text += ']';
}

std::string values(const Arrays& arrays) {
  std::vector<std::string> texts;
  for (const Array& array : arrays) {
    std::int64_t next = 0;
    nested(texts.emplace_back(), array, 0, next);
  }
  return code(fmt::format("{}", fmt::join(texts, ", ")));
}

std::string edge(const Edge& edge) {
  constexpr std::size_t kMostElements = 24;
  std::size_t elements = 0;
  for (const Arrays* arrays : {&edge.inputs, &edge.want}) {
    for (const Array& array : *arrays) elements += array.size();
  }
  std::string text = "  - " + with_spaces(edge.name);
  if (elements > kMostElements) return text + "\n";
  text += fmt::format(": {} gives {}", values(edge.inputs), values(edge.want));
  if (!edge.gradients.empty()) text += fmt::format(", gradient {}", values(edge.gradients));
  return text + "\n";
}

// --- rows and sections ---

std::string entry(const Row& row, const Sources& sources) {
  std::string text = fmt::format("### {}\n\n", row.name);
  const std::vector<Sources::Function> functions = sources.functions(row.name);
  if (!functions.empty()) {
    text += "```cpp\n";
    for (const Sources::Function& function : functions) text += function.signature + "\n";
    text += "```\n\n";
    std::vector<std::string> docs;
    for (const Sources::Function& function : functions) {
      if (function.doc.empty() || std::find(docs.begin(), docs.end(), function.doc) != docs.end()) continue;
      docs.push_back(function.doc);
      text += escaped(function.doc) + "\n\n";
    }
  }
  const auto line = [&](const char* what, const std::string& value) {
    if (!value.empty()) text += fmt::format("- {}: {}\n", what, value);
  };
  line("Formula", code(row.formula));
  line("Shapes", shapes(row));
  line("Types", types(row));
  line("Gradient", gradient(row, sources));
  line("Kernel", kernel(row));
  if (row.covered() != std::vector{row.name}) line("Recorded as", code_list(row.covered()));
  line("NaN and infinities", row.nonfinite);
  if (!row.edges.empty()) text += "- Edge cases:\n";
  for (const Edge& one : row.edges) text += edge(one);
  return text + "\n";
}

/// The file in whose section a row stands: that of its op, of the function that it is named for (`pow` for
/// `pow_number`), or of an op that it covers; empty when there is none.
std::string file_of(const Row& row, const Sources& sources) {
  if (std::string own = sources.file(row.name); !sources.title(own).empty()) return own;
  for (std::string name = row.name;; name.resize(name.rfind('_'))) {
    const std::vector<Sources::Function> functions = sources.functions(name);
    if (!functions.empty()) return functions.front().file;
    if (name.rfind('_') == std::string::npos) break;
  }
  for (const std::string& op : row.covered()) {
    if (std::string file = sources.file(op); !file.empty()) return file;
  }
  return "";
}

/// What GitHub makes of a heading when it is linked to.
std::string anchor(const std::string& heading) {
  std::string result;
  for (const char c : heading) {
    if (c == ' ')
      result += '-';
    else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-')
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

}  // namespace

std::string op_reference(const std::filesystem::path& root) {
  const Sources sources(root);
  std::map<std::string, std::vector<const Row*>> sections;  // by file
  std::string file;
  for (const Row& row : rows()) {
    // A row that is named for no function goes with the one before it.
    if (const std::string own = file_of(row, sources); !own.empty()) file = own;
    sections[file].push_back(&row);
  }

  std::string contents, text;
  for (const auto& [name, members] : sections) {
    const std::string heading = name + ".h";
    std::vector<std::string> links;
    for (const Row* row : members) links.push_back(fmt::format("[{}](#{})", row->name, anchor(row->name)));
    contents += fmt::format("- [{}](#{}): {}\n", heading, anchor(heading), fmt::join(links, ", "));
    text += fmt::format("## {}\n\n{}\n\n", heading, escaped(sources.title(name)));
    if (const std::string types = sources.declared_types(name); !types.empty())
      text += fmt::format("```cpp\n{}```\n\n", types.substr(0, types.size() - 1));
    for (const Row* row : members) text += entry(*row, sources);
  }
  return "# Ops\n\n"
         "Written by the target `op_reference` from the op table (`tests/op_table/`) and the comments of the sources: "
         "change those.\n\n"
         "In a gradient, `diff_dst` is the gradient of the result and `diff_src` that of the input. Edge cases are "
         "inputs with the one right answer, and the gradients there for a `diff_dst` of 1. What NaN and infinities "
         "give is "
         "the same in every type, as is what views give that lie in any other way.\n\n" +
         contents + "\n" + text.substr(0, text.size() - 1);
}

}  // namespace dagrad::op_table
