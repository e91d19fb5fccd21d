#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>

#include "dagrad/core/analysis/gradient_trace.h"
#include "dagrad/core/analysis/path_search.h"
#include "dagrad/core/graph.h"

namespace dagrad {
namespace {

std::string headline_of(const Tensor& output, const Tensor& input) {
  return fmt::format("explain_grad: no recorded path leads from {} to {} of shape {}",
                     output.requires_grad() ? place_of(*output.node()) : "the output, which requires no gradient,",
                     input.name().empty() ? "the input" : fmt::format("'{}'", input.name()), input.shape().str());
}

GradientCut cut_without_op(CutCause cause, std::string text) { return {cause, {}, {}, 0, std::move(text)}; }

/// Follows the data through the ops of a trace: elements that carry the gradient's path, elements that only derive from
/// the input, and the ops at which the first become the second.
class TraceSearch {
 public:
  TraceSearch(const GradientTrace& trace, const Tensor& output, const Tensor& input)
      : trace_(trace), output_(output.storage().get()), input_(input.storage().get()) {
    find_leading();
    follow_data();
  }

  bool connected() const { return derived_.contains(output_); }

  std::vector<GradientCut> cuts() const {
    std::vector<GradientCut> result;
    for (const Cut& cut : cuts_) {
      const TracedOp& op = trace_.ops()[cut.op];
      result.push_back(
          {cut.cause, std::string(op.name), op.where, static_cast<std::uint32_t>(cut.input), describe(cut)});
    }
    return result;
  }

  void draw(Explanation::Drawing& drawing) const {
    std::unordered_map<const Storage*, std::size_t> producer{
        {input_, boost::add_vertex({"input", "shape=box"}, drawing)}};
    for (const std::size_t k : path_) {
      const TracedOp& op = trace_.ops()[k];
      const auto vertex = boost::add_vertex({fmt::format("{}\n{}:{}", op.name, op.where.file, op.where.line),
                                             op.recorded ? "shape=ellipse" : "shape=ellipse, style=dashed"},
                                            drawing);
      for (std::size_t i = 0; i < op.inputs.size(); ++i) {
        const auto from = producer.find(op.inputs[i].elements.get());
        if (from == producer.end()) continue;
        const auto cut =
            std::find_if(cuts_.begin(), cuts_.end(), [&](const Cut& c) { return c.op == k && c.input == i; });
        Explanation::Drawn edge;
        if (cut != cuts_.end()) edge = {std::string(name_of(cut->cause)), kCut};
        boost::add_edge(from->second, vertex, edge, drawing);
      }
      for (const TracedOp::Operand& to : op.outputs) producer[to.elements.get()] = vertex;
    }
    const auto end = boost::add_vertex({"output", "shape=box"}, drawing);
    if (const auto from = producer.find(output_); from != producer.end())
      boost::add_edge(from->second, end, {}, drawing);
  }

 private:
  struct Cut {
    std::size_t op, input;
    CutCause cause;
  };

  /// The ops from which data flow to the output.
  void find_leading() {
    const auto& ops = trace_.ops();
    leading_.resize(ops.size());
    std::unordered_set<const Storage*> wanted{output_};
    for (std::size_t k = ops.size(); k-- > 0;) {
      leading_[k] = std::any_of(ops[k].outputs.begin(), ops[k].outputs.end(),
                                [&](const TracedOp::Operand& to) { return wanted.contains(to.elements.get()); });
      if (!leading_[k]) continue;
      for (const TracedOp::Operand& from : ops[k].inputs) wanted.insert(from.elements.get());
    }
  }

  void follow_data() {
    derived_ = {input_};
    std::unordered_set<const Storage*> carrying{input_};
    for (std::size_t k = 0; k < trace_.ops().size(); ++k) {
      const TracedOp& op = trace_.ops()[k];
      bool reads = false, records = false;
      for (std::size_t i = 0; i < op.inputs.size(); ++i) {
        const TracedOp::Operand& from = op.inputs[i];
        if (!derived_.contains(from.elements.get())) continue;
        reads = true;
        if (!carrying.contains(from.elements.get())) continue;
        if (op.recorded && from.has_history)
          records = true;
        else if (leading_[k])
          cuts_.push_back({k, i, cause_of(op, from)});
      }
      if (reads && leading_[k]) path_.push_back(k);
      for (const TracedOp::Operand& to : op.outputs) {
        if (reads) derived_.insert(to.elements.get());
        if (records) carrying.insert(to.elements.get());
      }
    }
  }

  static CutCause cause_of(const TracedOp& op, const TracedOp::Operand& from) {
    if (!op.grad_enabled) return CutCause::no_grad;
    return from.has_history ? CutCause::integer : CutCause::detached;
  }

  std::string describe(const Cut& cut) const {
    const TracedOp& op = trace_.ops()[cut.op];
    const std::string place = place_of(op.name, op.where);
    switch (cut.cause) {
      case CutCause::no_grad: return place + " ran while nothing was recorded (NoGrad)";
      case CutCause::integer: return fmt::format("{} gives integers, through which no gradient flows", place);
      default: break;
    }
    return fmt::format("{} reads its input {} without its history (detach(), or before requires_grad_())", place,
                       cut.input);
  }

  const GradientTrace& trace_;
  const Storage* output_;
  const Storage* input_;
  std::vector<bool> leading_;
  std::unordered_set<const Storage*> derived_;
  std::vector<Cut> cuts_;
  std::vector<std::size_t> path_;
};

/// What the recorded graph alone can tell: who reads elements without history.
std::vector<GradientCut> search_graph(const Tensor& output, const Tensor& input) {
  std::vector<GradientCut> found;
  std::size_t constants = 0;
  const Graph graph(output);
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    const Node& node = graph.node(v);
    if (node.is_leaf()) continue;
    const auto missing = std::find_if(node.edges().begin(), node.edges().end(), [](const Edge& e) { return !e.node; });
    if (missing == node.edges().end()) continue;
    ++constants;
    const auto same_elements = [&](const SavedTensor& saved) {
      return saved.tensor.defined() && saved.tensor.storage() == input.storage();
    };
    if (std::any_of(node.saved().begin(), node.saved().end(), same_elements)) {
      found.push_back(
          {CutCause::detached, std::string(node.name()), node.where(),
           static_cast<std::uint32_t>(missing - node.edges().begin()),
           place_of(node) + " reads the input's elements without its history (detach(), or before requires_grad_())"});
    }
  }
  if (found.empty()) {
    found.push_back(cut_without_op(
        CutCause::unknown,
        fmt::format(
            "{} of the recorded ops read tensors without history, and the path may have ended before one of them "
            "(want a GradientTrace around the computation, which will tell)",
            constants)));
  }
  return found;
}

}  // namespace

Explanation find_missing_path(const Tensor& output, const Tensor& input) {
  Explanation result;
  result.verdict = Explanation::Verdict::undefined;
  result.headline = headline_of(output, input);
  if (!input.requires_grad()) {
    result.cuts.push_back(
        cut_without_op(CutCause::constant, "the input requires no gradient (want requires_grad_() before it is used)"));
  }
  if (const GradientTrace* trace = GradientTrace::current()) {
    const TraceSearch search(*trace, output, input);
    if (!search.connected())
      result.cuts.push_back(
          cut_without_op(CutCause::unused, "nothing that was computed from the input reaches the output"));
    else if (input.requires_grad())
      result.cuts = search.cuts();
    search.draw(result.drawing);
    if (result.cuts.empty())
      result.cuts.push_back(
          cut_without_op(CutCause::detached, "the output has the elements, but not the history (detach())"));
  } else if (result.cuts.empty() && output.storage() == input.storage()) {
    result.cuts.push_back(
        cut_without_op(CutCause::detached, "the output has the input's elements without its history (detach())"));
  } else if (result.cuts.empty() && output.requires_grad()) {
    result.cuts = search_graph(output, input);
  } else if (result.cuts.empty()) {
    result.cuts.push_back(
        cut_without_op(CutCause::unknown,
                       "the output was computed without being recorded: under NoGrad, by an integer op, or from "
                       "tensors without history (want a GradientTrace around the computation, which will tell)"));
  }
  return result;
}

}  // namespace dagrad
