#include "dagrad/core/graph.h"

#include <boost/graph/connected_components.hpp>
#include <boost/graph/topological_sort.hpp>
#include <gtest/gtest.h>
#include <sstream>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "expect_error.h"

namespace dagrad {
namespace {

struct Diamond {
  Tensor x = zeros({2}).requires_grad_().set_name("x");
  Tensor left = tanh(x), right = x * 2, top = tanh(tanh(left)), sum = top + right;
  Graph graph{sum};
};

TEST(Graph, HoldsEveryNodeOnceInTheOrderOfRecording) {
  const Diamond d;
  ASSERT_EQ(d.graph.size(), 6u);
  std::vector<std::string> names;
  for (Graph::Vertex v = 0; v < d.graph.size(); ++v) names.emplace_back(d.graph.node(v).name());
  EXPECT_EQ(names, (std::vector<std::string>{"leaf", "tanh", "mul_number", "tanh", "tanh", "add"}));
  EXPECT_EQ(boost::num_edges(d.graph.model()), 6u);
}

TEST(Graph, FindsDepthAndCriticalPath) {
  const Diamond d;
  EXPECT_EQ(d.graph.depth(), 4u);
  const auto path = d.graph.critical_path([](const Node& node) { return node.name() == "mul_number" ? 100.0 : 1.0; });
  EXPECT_EQ(path, (std::vector<Graph::Vertex>{0, 2, 5}));
}

TEST(Graph, KnowsWhatReachesWhat) {
  const Diamond d;
  EXPECT_TRUE(d.graph.reaches(d.graph.vertex_of(d.left), d.graph.vertex_of(d.sum)));
  EXPECT_FALSE(d.graph.reaches(d.graph.vertex_of(d.left), d.graph.vertex_of(d.right)));
  EXPECT_EQ(d.graph.descendants(1), (std::vector<Graph::Vertex>{1, 3, 4, 5}));
  EXPECT_EQ(d.graph.ancestors(2), (std::vector<Graph::Vertex>{0, 2}));
  EXPECT_EQ(d.graph.sources(), std::vector<Graph::Vertex>{0});
  EXPECT_EQ(d.graph.sinks(), std::vector<Graph::Vertex>{5});
  expect_error<UsageError>([&] { (void)d.graph.vertex_of(zeros({3}).requires_grad_()); },
                           "Graph: the tensor of shape [3] is not part of it");
}

TEST(Graph, KeepsParallelEdges) {
  const Tensor x = zeros({2}).requires_grad_();
  const Graph graph(x * x);
  EXPECT_EQ(boost::num_edges(graph.model()), 2u);
  EXPECT_EQ(graph.op_counts().at("mul"), 1u);
  EXPECT_EQ(graph.saved_bytes(), x.bytes());
}

TEST(Graph, IsAModelForBoostsAlgorithms) {
  const Diamond d;
  std::vector<Graph::Vertex> order;
  boost::topological_sort(d.graph.model(), std::back_inserter(order));
  EXPECT_EQ(order.back(), 0u);
  EXPECT_EQ(order.front(), 5u);
}

TEST(Graph, SnapshotsOutliveTheirTensors) {
  Tensor x = zeros({2}).requires_grad_();
  const Graph graph = [&] { return Graph(tanh(x * 3)); }();
  EXPECT_EQ(graph.node(2).name(), "tanh");
}

TEST(Graph, WalksAMillionOpsWithoutRecursion) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::size_t kOps = 50'000;
#else
  constexpr std::size_t kOps = 1'000'000;
#endif
  const Tensor a = zeros({1}).requires_grad_();
  Tensor t = a;
  for (std::size_t i = 0; i < kOps; ++i) t = t + a;
  const Graph graph(t);
  EXPECT_EQ(graph.size(), kOps + 1);
  EXPECT_EQ(graph.depth(), kOps);
  EXPECT_TRUE(graph.reaches(0, kOps));
}

TEST(Graph, WritesDot) {
  const Tensor x = zeros({2, 3}).requires_grad_().set_name("x \"quoted\"");
  std::ostringstream out;
  write_graphviz(out, Graph(x * 2.5));
  EXPECT_EQ(out.str(),
            "digraph G {\n"
            "0[label=\"x \\\"quoted\\\"\n[2, 3]\", shape=box, style=filled, fillcolor=\"#cfe3ff\"];\n"
            "1[label=\"mul_number\n2.5\n[2, 3]\", shape=ellipse];\n"
            "0->1 [label=\"[2, 3]\"];\n"
            "}\n");
}

TEST(Graph, RefusesATensorWithoutHistory) {
  expect_error<GradientError>([] { Graph(zeros({2})); },
                              "Graph: a tensor of shape [2] has no history (want the result of recorded ops)");
}

}  // namespace
}  // namespace dagrad
