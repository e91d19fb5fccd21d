// The graph of a step: profile, drawing, dot.
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "dagrad/core/error.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"
#include "tools/graph/drawing.h"
#include "tools/graph/flops.h"
#include "tools/graph/render.h"
#include "tools/graph/step_profile.h"

namespace dagrad::tools {
namespace {

/// A perceptron in two nested modules, with an activation that Sequential does not fuse into the layer before it.
struct Nested {
  Nested() {
    manual_seed(1);
    net.add(nn::Sequential(nn::Linear(8, 16), nn::Softplus()));
    net.add(nn::Sequential(nn::Linear(16, 16), nn::Softplus(), nn::Linear(16, 4)));
    net.name_parameters();
    x = randn({32, 8});
    labels = randint(0, 4, {32});
  }
  StepProfile profile() const {
    return profile_step([this] { return cross_entropy(net_copy(x), labels); }, 0);
  }
  Tensor net_copy(const Tensor& in) const {
    nn::Sequential copy = net;
    return copy(in);
  }
  nn::Sequential net;
  Tensor x, labels;
};

TEST(OpKind, ComesFromTheOpTablesFamilies) {
  EXPECT_EQ(kind_of("leaf"), OpKind::leaf);
  EXPECT_EQ(kind_of("matmul"), OpKind::product);
  EXPECT_EQ(kind_of("convolution"), OpKind::product);
  EXPECT_EQ(kind_of("lstm_layer"), OpKind::product);
  EXPECT_EQ(kind_of("tanh"), OpKind::elementwise);
  EXPECT_EQ(kind_of("sum"), OpKind::reduction);
  EXPECT_EQ(kind_of("reshape"), OpKind::view);
  EXPECT_EQ(kind_of("layer_norm"), OpKind::norm);
  EXPECT_EQ(kind_of("cross_entropy"), OpKind::loss);
  EXPECT_EQ(kind_of("my_own"), OpKind::other);
}

TEST(StepProfile, HasTheCostsOfEveryNode) {
  const Nested nested;
  const StepProfile profile = nested.profile();
  ASSERT_EQ(profile.nodes.size(), profile.graph.size());
  EXPECT_GE(profile.runs, 3);
  for (Graph::Vertex v = 0; v < profile.graph.size(); ++v) {
    const Node& node = profile.graph.node(v);
    const NodeCost& cost = profile.nodes[v];
    EXPECT_EQ(cost.bytes, bytes_of(node.outputs()[0])) << node.name();
    EXPECT_EQ(cost.forward > 0, !node.is_leaf()) << node.name();
    EXPECT_EQ(cost.backward > 0, !node.is_leaf()) << node.name();
  }
  EXPECT_EQ(profile.forward_ops, 6u);
  EXPECT_EQ(profile.live_bytes.size(), 12u) << "each op once forward and once backward";
  EXPECT_GE(static_cast<double>(profile.peak_bytes) + (64 << 10), profile.live_bytes[5]);
  EXPECT_GT(profile.live_bytes[5], profile.live_bytes[11] - 4096) << "activations are freed on the way back";
}

TEST(StepProfile, FindsTheCriticalPathFromALeafToTheLoss) {
  const Nested nested;
  const StepProfile profile = nested.profile();
  const auto path = profile.critical_path();
  EXPECT_EQ(profile.graph.node(path.back()).name(), "cross_entropy");
  EXPECT_TRUE(profile.graph.node(path.front()).is_leaf());
  EXPECT_LE(profile.total_seconds(path), profile.op_seconds() * 1.000001);
}

TEST(StepProfile, SumsUpInTables) {
  const Nested nested;
  const StepProfile profile = nested.profile();
  const Table summary = summary_of(profile);
  std::map<std::string, std::string> values;
  for (const auto& row : summary.rows) values[row[0]] = row[1];
  EXPECT_EQ(values["nodes"], "12 (6 leaves)");
  EXPECT_EQ(values["parameters"], bytes_text(4 * (8 * 16 + 16 + 16 * 16 + 16 + 16 * 4 + 4)));
  EXPECT_NE(values["saved for the backward"], "0 B");
  const Table costs = costly_ops(profile, 2);
  EXPECT_EQ(costs.rows.size(), 2u);
}

TEST(Flops, AreTwoForEachProductForwardAndTheSameForEachFactorBackward) {
  const Tensor x = ones({4, 2, 8, 8}), w = ones({6, 2, 3, 3}).requires_grad_();
  const Graph conv(sum(conv2d(x, w)));
  EXPECT_EQ(forward_flops(conv), 2.0 * (4 * 6 * 6 * 6) * (2 * 3 * 3));
  EXPECT_EQ(backward_flops(conv), forward_flops(conv)) << "x needs none";
  const Tensor a = ones({3, 5}).requires_grad_(), b = ones({5, 7}).requires_grad_();
  const Graph product(sum(matmul(a, b)));
  EXPECT_EQ(forward_flops(product), 2.0 * 3 * 5 * 7);
  EXPECT_EQ(backward_flops(product), 4.0 * 3 * 5 * 7);
  nn::LSTM lstm(5, 6);
  const Graph steps(sum(lstm(ones({10, 4, 5}))));
  EXPECT_EQ(forward_flops(steps), 2.0 * 10 * 4 * (4 * 6 * 5 + 4 * 6 * 6));
}

TEST(StepProfile, RefusesAStepThatChanges) {
  const Tensor x = ones({4}).requires_grad_();
  int calls = 0;
  const auto step = [&] {
    Tensor y = tanh(x);
    if (++calls > 3) y = tanh(y);
    return sum(y);
  };
  expect_error_with<UsageError>([&] { (void)profile_step(step, 0); }, "nodes, and");
}

TEST(Drawing, ShowsEveryOpWhenItFits) {
  const Nested nested;
  const StepProfile profile = nested.profile();
  const Detail detail = fitting_detail(profile.graph, 80);
  EXPECT_EQ(detail.level, 0);
  const Drawing drawing = draw(profile, detail);
  EXPECT_EQ(boost::num_vertices(drawing), profile.graph.size());
  EXPECT_EQ(boost::num_edges(drawing), boost::num_edges(profile.graph.model()));
}

TEST(Drawing, CollapsesModulesFromTheInsideOut) {
  const Nested nested;
  const StepProfile profile = nested.profile();
  EXPECT_EQ(fitting_detail(profile.graph, 11).level, 2);
  const Detail coarse = fitting_detail(profile.graph, 3);
  EXPECT_EQ(coarse.level, 1);
  const Drawing drawing = draw(profile, coarse);
  ASSERT_EQ(boost::num_vertices(drawing), 3u);
  std::vector<std::string> names;
  std::size_t ops = 0;
  for (const auto v : boost::make_iterator_range(boost::vertices(drawing))) {
    names.push_back(drawing[v].name);
    ops += drawing[v].ops;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"0", "1", "cross_entropy"}));
  EXPECT_EQ(ops, profile.graph.size()) << "each op is in one node";
  ASSERT_EQ(boost::num_edges(drawing), 2u);
  EXPECT_EQ(drawing[*boost::edges(drawing).first].label, "[32, 16]");
}

TEST(Drawing, CollapsesALoopWithoutModulesByItsLine) {
  Tensor x = ones({4}).requires_grad_();
  const auto step = [&] {
    Tensor y = x;
    for (int i = 0; i < 300; ++i) y = tanh(y);
    return sum(y);
  };
  const StepProfile profile = profile_step(step, 0);
  const Detail detail = fitting_detail(profile.graph, 80);
  EXPECT_TRUE(detail.by_line);
  EXPECT_EQ(boost::num_vertices(draw(profile, detail)), 3u) << "the leaf, the loop, the sum";
}

TEST(Drawing, IsWrittenForDot) {
  const Nested nested;
  const StepProfile profile = nested.profile();
  std::ostringstream out;
  write_dot(out, draw(profile, {}));
  const std::string dot = out.str();
  EXPECT_NE(dot.find("subgraph cluster_"), std::string::npos);
  EXPECT_NE(dot.find("class=\"kind_product"), std::string::npos) << dot;
  EXPECT_NE(dot.find("[32, 16] f32, 2.00 KiB"), std::string::npos);
  EXPECT_NE(dot.find("critical"), std::string::npos);
}

TEST(Drawing, IsRenderedWhereGraphvizIs) {
  const std::optional<std::string> svg = svg_of_dot("digraph { a [class=\"kind_leaf\"]; a -> b }");
  if (!svg) GTEST_SKIP() << kNoDot;
  EXPECT_EQ(svg->rfind("<svg", 0), 0u);
  EXPECT_NE(svg->find("node kind_leaf"), std::string::npos) << *svg;
  EXPECT_THROW((void)svg_of_dot("digraph {"), Error);
}

TEST(BytesText, HasThreeDigits) {
  EXPECT_EQ(bytes_text(12), "12 B");
  EXPECT_EQ(bytes_text(2048), "2.00 KiB");
  EXPECT_EQ(bytes_text(150.0 * (1 << 20)), "150 MiB");
}

}  // namespace
}  // namespace dagrad::tools
