#include "dagrad/core/analysis/op_times.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/watch.h"
#include "dagrad/ops/ops.h"

namespace dagrad {
namespace {

TEST(OpTimes, AreThoseOfTheKernelsAndOfTheBackwards) {
  const Tensor x = ones({64, 64}).requires_grad_();
  OpTimes times;
  const Tensor loss = sum(matmul(x, transpose(x, 0, 1)));
  const Graph graph(loss);
  times.watch_backward(graph);
  loss.backward();
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    const Node& node = graph.node(v);
    const bool runs_a_kernel = node.name() == "sum" || node.name() == "matmul";
    EXPECT_EQ(times.forward_seconds(node) > 0, runs_a_kernel) << node.name();
    EXPECT_EQ(times.backward_seconds(node) > 0, !node.is_leaf()) << node.name();
    EXPECT_LT(times.forward_seconds(node), 1) << node.name();
  }
}

TEST(OpTimes, GiveAnOpThatIsNotRecordedToNobody) {
  const Tensor x = ones({8}).requires_grad_();
  OpTimes times;
  {
    const NoGrad guard;
    (void)transpose(exp(ones({200, 200})), 0, 1);
  }
  const Tensor view = reshape(x, {2, 4});
  EXPECT_EQ(times.forward_seconds(*view.node()), 0);
}

TEST(OpTimes, TellAfterEachOpAndEachBackward) {
  const Tensor x = ones({2}).requires_grad_();
  std::vector<std::string> told;
  OpTimes times([&](const Node& node) { told.emplace_back(node.name()); });
  const Tensor loss = sum(tanh(x));
  times.watch_backward(Graph(loss));
  loss.backward();
  EXPECT_EQ(told, (std::vector<std::string>{"tanh", "sum", "sum", "tanh"}));
}

TEST(OpTimes, NestAndThenLeaveNothingWatched) {
  const Tensor x = ones({2}).requires_grad_();
  {
    OpTimes outer;
    Tensor y;
    {
      OpTimes inner;
      y = tanh(x);
      EXPECT_GT(inner.forward_seconds(*y.node()), 0);
    }
    EXPECT_EQ(outer.forward_seconds(*y.node()), 0);
    const Tensor z = tanh(x);
    EXPECT_GT(outer.forward_seconds(*z.node()), 0);
  }
  EXPECT_FALSE(watched());
}

TEST(OpTimes, MayEndBeforeTheBackward) {
  const Tensor x = ones({2}).requires_grad_();
  Tensor loss;
  {
    OpTimes times;
    loss = sum(tanh(x));
    times.watch_backward(Graph(loss));
  }
  loss.backward();
  EXPECT_TRUE(x.grad().defined());
}

}  // namespace
}  // namespace dagrad
