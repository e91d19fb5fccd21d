#include "dagrad/core/analysis/explain_grad.h"

#include <gtest/gtest.h>
#include <sstream>

#include "dagrad/core/analysis/gradient_trace.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/activation.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"
#include "expect_error.h"

namespace dagrad {
namespace {

using Verdict = Explanation::Verdict;
using Causes = std::vector<CutCause>;

Causes causes(const Explanation& explanation) {
  Causes result;
  for (const GradientCut& cut : explanation.cuts) result.push_back(cut.cause);
  return result;
}

Tensor leaf(double value = 1) { return full({3}, value).requires_grad_().set_name("x"); }

TEST(ExplainGrad, SaysThatAGradientFlows) {
  const Tensor x = leaf();
  const Explanation e = explain_grad(sum(tanh(x) * 2), x);
  EXPECT_EQ(e.verdict, Verdict::flows);
  EXPECT_TRUE(e.cuts.empty()) << e;
  EXPECT_TRUE(e.gradient.defined());
  EXPECT_NE(e.headline.find("'leaf' (x) of shape [3] flows: 3 of 3 elements are not zero, the largest is 0.84"),
            std::string::npos)
      << e;
}

TEST(ExplainGrad, LeavesGradsAndTheGraphAlone) {
  const Tensor x = leaf();
  const Tensor y = sum(tanh(x));
  (void)explain_grad(y, x);
  EXPECT_FALSE(x.grad().defined());
  y.backward();
  EXPECT_TRUE(x.grad().defined());
}

TEST(ExplainGrad, FindsDeadRelus) {
  const Tensor x = leaf(-1);
  const Tensor hidden = relu(x * 2, {"model.cpp", 7});
  const Explanation e = explain_grad(sum(hidden), x);
  EXPECT_EQ(e.verdict, Verdict::zero);
  ASSERT_EQ(causes(e), Causes{CutCause::zero}) << e;
  EXPECT_EQ(e.cuts[0].op, "relu");
  EXPECT_EQ(e.cuts[0].where.line, 7u);
  EXPECT_EQ(e.cuts[0].text,
            "'relu' at model.cpp:7 gives its input 0 a gradient of zeros for 3 non-zero elements: its gradient is zero "
            "where the input is not positive");
}

TEST(ExplainGrad, FindsSaturatedUnits) {
  const Tensor x = leaf(15), far = leaf(50);
  const Explanation little = explain_grad(sum(sigmoid(x)), x), nothing = explain_grad(sum(sigmoid(far)), far);
  EXPECT_EQ(little.verdict, Verdict::flows);
  EXPECT_EQ(causes(little), Causes{CutCause::vanishing}) << little;
  EXPECT_EQ(nothing.verdict, Verdict::zero);
  EXPECT_EQ(causes(nothing), Causes{CutCause::zero}) << nothing;
}

TEST(ExplainGrad, FindsEachOfSeveralCuts) {
  const Tensor x = leaf(-1);
  const Explanation e = explain_grad(sum(relu(x) + x * 0), x);
  EXPECT_EQ(e.verdict, Verdict::zero);
  EXPECT_EQ(causes(e), (Causes{CutCause::zero, CutCause::zero})) << e;
}

TEST(ExplainGrad, FindsUsesThatCancel) {
  const Tensor x = leaf();
  const Explanation e = explain_grad(sum(x * 2 - x * 2), x);
  EXPECT_EQ(causes(e), Causes{CutCause::cancelled}) << e;
  EXPECT_EQ(e.cuts[0].text, "the 2 gradients of 'leaf' (x) add up to zero");
}

TEST(ExplainGrad, FindsWhereAGradientBecomesInfinite) {
  const Tensor x = leaf(0);
  const Explanation e = explain_grad(sum(log(x) * 2), x);
  EXPECT_EQ(e.verdict, Verdict::not_finite);
  ASSERT_EQ(causes(e), Causes{CutCause::not_finite}) << e;
  EXPECT_EQ(e.cuts[0].op, "log");
}

TEST(ExplainGrad, TellsWhatTheBackwardThrew) {
  const Tensor x = leaf();
  const Tensor y = sum(tanh(x));
  y.backward();
  const Explanation e = explain_grad(y, x);
  EXPECT_EQ(e.verdict, Verdict::undefined);
  ASSERT_EQ(causes(e), Causes{CutCause::failed});
  EXPECT_NE(e.cuts[0].text.find("retain_graph = true"), std::string::npos) << e;
}

TEST(ExplainGrad, FindsADetachInATrace) {
  const Tensor x = leaf(), w = leaf();
  const GradientTrace trace;
  const Tensor h = tanh(x);
  const Tensor y = sum(mul(h.detach(), w, {"model.cpp", 9}));
  const Explanation e = explain_grad(y, x);
  EXPECT_EQ(e.verdict, Verdict::undefined);
  ASSERT_EQ(causes(e), Causes{CutCause::detached}) << e;
  EXPECT_EQ(e.cuts[0].text,
            "'mul' at model.cpp:9 reads its input 0 without its history (detach(), or before requires_grad_())");
}

TEST(ExplainGrad, FindsNoGradInATrace) {
  const Tensor x = leaf(), w = leaf();
  const GradientTrace trace;
  const Tensor h = [&] {
    const NoGrad guard;
    return tanh(exp(x, {"model.cpp", 4}));
  }();
  const Explanation e = explain_grad(sum(h * w), x);
  ASSERT_EQ(causes(e), Causes{CutCause::no_grad}) << e;
  EXPECT_EQ(e.cuts[0].text, "'exp' at model.cpp:4 ran while nothing was recorded (NoGrad)");
}

TEST(ExplainGrad, FindsAnIntegerOpInATrace) {
  const Tensor x = leaf(), w = leaf();
  const GradientTrace trace;
  const Tensor y = sum(w * to(gt(x, 0.5), f32));
  const Explanation e = explain_grad(y, x);
  ASSERT_EQ(causes(e), Causes{CutCause::integer}) << e;
  EXPECT_EQ(e.cuts[0].op.substr(0, 2), "gt");
}

TEST(ExplainGrad, FindsEveryCutOfSeveralPathsInATrace) {
  const Tensor x = leaf(), w = leaf();
  const GradientTrace trace;
  const Tensor y = sum(w * x.detach()) + sum(w * tanh(x).detach());
  EXPECT_EQ(causes(explain_grad(y, x)), (Causes{CutCause::detached, CutCause::detached}));
}

TEST(ExplainGrad, FindsAnUnusedInputInATrace) {
  const Tensor x = leaf(), w = leaf();
  const GradientTrace trace;
  const Tensor unused = tanh(x);
  EXPECT_EQ(causes(explain_grad(sum(w), x)), Causes{CutCause::unused});
}

TEST(ExplainGrad, FindsADetachedUseOfTheInputWithoutATrace) {
  const Tensor x = leaf(), w = leaf();
  const Explanation e = explain_grad(sum(x.detach() * w), x);
  ASSERT_EQ(causes(e), Causes{CutCause::detached}) << e;
  EXPECT_EQ(causes(explain_grad(x.detach(), x)), Causes{CutCause::detached});
}

TEST(ExplainGrad, AsksForATraceWhereTheGraphDoesNotTell) {
  const Tensor x = leaf(), w = leaf();
  const Explanation e = explain_grad(sum(tanh(x).detach() * w), x);
  ASSERT_EQ(causes(e), Causes{CutCause::unknown}) << e;
  EXPECT_NE(e.cuts[0].text.find("want a GradientTrace"), std::string::npos);
}

TEST(ExplainGrad, NamesAConstantInput) {
  const Tensor x = ones({3}), w = leaf();
  EXPECT_EQ(causes(explain_grad(sum(x * w), x)), Causes{CutCause::constant});
}

TEST(ExplainGrad, Draws) {
  const Tensor x = leaf(-1);
  std::ostringstream out;
  write_graphviz(out, explain_grad(sum(relu(x, {"m.cpp", 7}), {}, false, {"m.cpp", 8}), x));
  EXPECT_EQ(out.str(),
            "digraph G {\n"
            "0[label=x, shape=box];\n"
            "1[label=\"relu\nm.cpp:7\", shape=ellipse];\n"
            "2[label=\"sum\nm.cpp:8\", shape=ellipse];\n"
            "0->1 [label=zero, color=\"#c0392b\", fontcolor=\"#c0392b\", penwidth=2, style=dashed];\n"
            "1->2 [label=1, color=\"#2e8b57\", fontcolor=\"#2e8b57\"];\n"
            "}\n");
}

TEST(ExplainGrad, DrawsWhatWasNotRecorded) {
  const Tensor x = leaf(), w = leaf();
  const GradientTrace trace;
  std::ostringstream out;
  write_graphviz(out, explain_grad(mul(x.detach(), w, {"m.cpp", 3}), x));
  EXPECT_EQ(out.str(),
            "digraph G {\n"
            "0[label=input, shape=box];\n"
            "1[label=\"mul\nm.cpp:3\", shape=ellipse];\n"
            "2[label=output, shape=box];\n"
            "0->1 [label=detached, color=\"#c0392b\", fontcolor=\"#c0392b\", penwidth=2, style=dashed];\n"
            "1->2 [label=\"\"];\n"
            "}\n");
}

TEST(ExplainGrad, RefusesUndefinedTensors) {
  expect_error<UsageError>([] { (void)explain_grad(leaf(), {}); },
                           "explain_grad: the input is undefined (want two tensors)");
}

}  // namespace
}  // namespace dagrad
