#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <optional>

#include "dagrad/core/analysis/path_search.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/graph.h"

namespace dagrad {
namespace {

constexpr double kVanishing = 1e-6;

/// What a gradient looks like.
struct Sight {
  bool defined = false;
  bool finite = true;
  std::size_t elements = 0, nonzero = 0;
  double largest = 0;

  Sight() = default;
  explicit Sight(const Tensor& t) { add(t); }
  void add(const Tensor& t) {
    if (!t.defined()) return;
    defined = true;
    for (const double value : t.to_vector<double>()) {
      ++elements;
      nonzero += value != 0;
      finite = finite && std::isfinite(value);
      largest = std::max(largest, std::fabs(value));
    }
  }
};

/// Runs the backward between two tensors and watches what passes along each edge.
class Follower {
 public:
  Follower(const Tensor& output, const Tensor& input)
      : output_(output), input_(input), graph_(output), start_(graph_.vertex_of(input)) {
    between_ = graph_.descendants(start_);
    for (const Graph::Vertex v : between_) watch(v);
  }
  ~Follower() {
    for (const auto& [vertex, handle] : hooks_) graph_.pointer(vertex)->remove_hook(handle);
  }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  Explanation run(const Tensor& cotangent) {
    Explanation result;
    try {
      const Tensor weights = cotangent.defined() ? cotangent : ones(output_.shape(), output_.dtype());
      result.gradient =
          grad({&output_, 1}, {&input_, 1}, {&weights, 1}, {.retain_graph = true, .allow_unused = true})[0];
    } catch (const Error& error) {
      result.verdict = Explanation::Verdict::undefined;
      result.cuts.push_back({CutCause::failed, {}, {}, 0, error.what()});
    }
    if (result.gradient.defined()) judge(result);
    result.headline = headline(result);
    draw(result);
    return result;
  }

 private:
  using Edge = boost::graph_traits<Graph::Model>::edge_descriptor;

  void watch(Graph::Vertex v) {
    Node& node = *graph_.pointer(v);
    Sight& arrived = arrived_[v];
    hooks_.emplace_back(v, node.register_prehook([&arrived](const Node&, std::span<Tensor> gradients) {
      for (const Tensor& t : gradients) arrived.add(t);
    }));
    std::vector<Sight>& given = given_[v];
    hooks_.emplace_back(v, node.register_posthook([&given](const Node&, std::span<Tensor> gradients) {
      for (const Tensor& t : gradients) given.emplace_back(t);
    }));
  }

  /// The edges into `v` that lie between the input and the output, with the index of v's input.
  template <class F>
  void for_each_edge_into(Graph::Vertex v, const F& f) const {
    for (const Edge& edge : boost::make_iterator_range(boost::in_edges(v, graph_.model()))) {
      const Graph::Vertex u = boost::source(edge, graph_.model());
      if (std::binary_search(between_.begin(), between_.end(), u)) f(u, graph_.model()[edge].input);
    }
  }

  /// What the edge into input `i` of `v` does to the gradient that arrives at v, when it is worth telling.
  std::optional<CutCause> cause_at(Graph::Vertex v, std::uint32_t i) const {
    const Sight& in = arrived_.at(v);
    const std::vector<Sight>& given = given_.at(v);
    if (in.nonzero == 0 || !in.finite || i >= given.size()) return std::nullopt;
    const Sight& out = given[i];
    if (!out.defined) return CutCause::not_given;
    if (!out.finite) return CutCause::not_finite;
    if (out.nonzero == 0) return CutCause::zero;
    if (out.largest <= kVanishing * in.largest) return CutCause::vanishing;
    return std::nullopt;
  }

  GradientCut cut_at(Graph::Vertex v, std::uint32_t i, CutCause cause) const {
    const Node& node = graph_.node(v);
    const Sight& in = arrived_.at(v);
    const std::string why =
        node.zero_gradient().empty() ? std::string() : fmt::format(": its gradient is zero {}", node.zero_gradient());
    std::string text;
    switch (cause) {
      case CutCause::zero:
        text = fmt::format("{} gives its input {} a gradient of zeros for {} non-zero elements{}", place_of(node), i,
                           in.nonzero, why);
        break;
      case CutCause::vanishing:
        text = fmt::format("{} gives its input {} a gradient of at most {:.3g} for one of up to {:.3g}", place_of(node),
                           i, given_.at(v)[i].largest, in.largest);
        break;
      case CutCause::not_finite:
        text = fmt::format("{} gives its input {} NaN or infinity for a finite gradient", place_of(node), i);
        break;
      default: text = fmt::format("{} gives its input {} no gradient at all", place_of(node), i); break;
    }
    return {cause, std::string(node.name()), node.where(), i, std::move(text)};
  }

  void judge(Explanation& result) const {
    using Verdict = Explanation::Verdict;
    const Sight found(result.gradient);
    if (!found.finite)
      result.verdict = Verdict::not_finite;
    else if (found.nonzero == 0 && found.elements > 0)
      result.verdict = Verdict::zero;
    for (const Graph::Vertex v : between_) {
      std::size_t live = 0;
      for_each_edge_from(v, [&](Graph::Vertex to, std::uint32_t i) {
        live += i < given_.at(to).size() && given_.at(to)[i].nonzero > 0;
      });
      const bool lost = v == start_ ? result.verdict == Verdict::zero : arrived_.at(v).nonzero == 0;
      if (result.verdict == Verdict::zero && live > 1 && lost) {
        const Node& node = graph_.node(v);
        result.cuts.push_back({CutCause::cancelled, std::string(node.name()), node.where(), 0,
                               fmt::format("the {} gradients of {} add up to zero", live, place_of(node))});
      }
      for_each_edge_into(v, [&](Graph::Vertex, std::uint32_t i) {
        if (const auto cause = cause_at(v, i); cause && tells(*cause, result.verdict))
          result.cuts.push_back(cut_at(v, i, *cause));
      });
    }
  }

  /// Whether a cause belongs to a verdict.
  static bool tells(CutCause cause, Explanation::Verdict verdict) {
    if (verdict == Explanation::Verdict::not_finite) return cause == CutCause::not_finite;
    if (verdict == Explanation::Verdict::flows) return cause == CutCause::vanishing;
    return cause == CutCause::zero || cause == CutCause::not_given || cause == CutCause::vanishing;
  }

  template <class F>
  void for_each_edge_from(Graph::Vertex v, const F& f) const {
    for (const Edge& edge : boost::make_iterator_range(boost::out_edges(v, graph_.model())))
      f(boost::target(edge, graph_.model()), graph_.model()[edge].input);
  }

  std::string headline(const Explanation& result) const {
    const std::string subject = fmt::format("explain_grad: the gradient of {} with respect to {} of shape {}",
                                            place_of(*output_.node()), place_of(*input_.node()), input_.shape().str());
    switch (result.verdict) {
      case Explanation::Verdict::zero: return subject + " is zero";
      case Explanation::Verdict::undefined: return subject + " cannot be computed";
      case Explanation::Verdict::not_finite: return subject + " is not finite";
      case Explanation::Verdict::flows: break;
    }
    const Sight found(result.gradient);
    return fmt::format("{} flows: {} of {} elements are not zero, the largest is {:.3g}", subject, found.nonzero,
                       found.elements, found.largest);
  }

  void draw(Explanation& result) const {
    std::map<Graph::Vertex, Explanation::Drawing::vertex_descriptor> drawn;
    for (const Graph::Vertex v : between_) {
      const Node& node = graph_.node(v);
      const std::string place = node.is_leaf() ? "" : fmt::format("\n{}:{}", node.where().file, node.where().line);
      const std::string label = node.label().empty() ? std::string(node.name()) : node.label();
      drawn[v] = boost::add_vertex({label + place, node.is_leaf() ? "shape=box" : "shape=ellipse"}, result.drawing);
      for_each_edge_into(v, [&](Graph::Vertex u, std::uint32_t i) {
        const std::vector<Sight>& given = given_.at(v);
        const auto cause = cause_at(v, i);
        const bool flows = !cause && i < given.size() && given[i].nonzero > 0;
        Explanation::Drawn edge;
        if (cause)
          edge = {std::string(name_of(*cause)), kCut};
        else if (flows)
          edge = {fmt::format("{:.3g}", given[i].largest), kFlows};
        boost::add_edge(drawn.at(u), drawn.at(v), edge, result.drawing);
      });
    }
  }

  const Tensor& output_;
  const Tensor& input_;
  Graph graph_;
  Graph::Vertex start_;
  std::vector<Graph::Vertex> between_;  // in the order of recording
  std::map<Graph::Vertex, Sight> arrived_;
  std::map<Graph::Vertex, std::vector<Sight>> given_;
  std::vector<std::pair<Graph::Vertex, int>> hooks_;
};

}  // namespace

Explanation follow_gradient(const Tensor& output, const Tensor& input, const Tensor& cotangent) {
  return Follower(output, input).run(cotangent);
}

}  // namespace dagrad
