#include "dagrad/core/analysis/explain_grad.h"

#include <boost/graph/graphviz.hpp>
#include <fmt/format.h>
#include <ostream>

#include "dagrad/core/analysis/path_search.h"
#include "dagrad/core/error.h"
#include "dagrad/core/graph.h"

namespace dagrad {

std::string place_of(std::string_view op, Location where) {
  return where.line == 0 ? fmt::format("'{}'", op) : fmt::format("'{}' at {}:{}", op, where.file, where.line);
}

std::string place_of(const Node& node) {
  const std::string label = node.label();
  return place_of(node.name(), node.where()) + (label.empty() ? "" : fmt::format(" ({})", label));
}

std::string_view name_of(CutCause cause) {
  switch (cause) {
    case CutCause::constant: return "constant";
    case CutCause::unused: return "unused";
    case CutCause::detached: return "detached";
    case CutCause::no_grad: return "no_grad";
    case CutCause::integer: return "integer";
    case CutCause::unknown: return "unknown";
    case CutCause::zero: return "zero";
    case CutCause::vanishing: return "vanishing";
    case CutCause::not_given: return "not given";
    case CutCause::cancelled: return "cancelled";
    case CutCause::not_finite: return "not finite";
    case CutCause::failed: break;
  }
  return "failed";
}

std::string Explanation::str() const {
  std::string text = headline + "\n";
  for (const GradientCut& cut : cuts) text += "  - " + cut.text + "\n";
  return text;
}

std::ostream& operator<<(std::ostream& out, const Explanation& explanation) { return out << explanation.str(); }

void write_graphviz(std::ostream& out, const Explanation& explanation) {
  const auto write = [](std::ostream& to, const Explanation::Drawn& drawn) {
    to << "[label=" << boost::escape_dot_string(drawn.label) << (drawn.style.empty() ? "" : ", ") << drawn.style << "]";
  };
  const Explanation::Drawing& drawing = explanation.drawing;
  boost::write_graphviz(
      out, drawing, [&](std::ostream& to, auto vertex) { write(to, drawing[vertex]); },
      [&](std::ostream& to, const auto& edge) { write(to, drawing[edge]); });
}

Explanation explain_grad(const Tensor& output, const Tensor& input, const Tensor& cotangent) {
  if (!output.defined() || !input.defined()) {
    throw UsageError(
        fmt::format("explain_grad: the {} is undefined (want two tensors)", output.defined() ? "input" : "output"));
  }
  const bool connected = output.requires_grad() && input.requires_grad() && Graph(output).contains(input);
  return connected ? follow_gradient(output, input, cotangent) : find_missing_path(output, input);
}

}  // namespace dagrad
