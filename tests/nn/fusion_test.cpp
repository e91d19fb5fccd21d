// What a Sequential computes together, against its modules one by one.
#include "dagrad/nn/fusion.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "dagrad/core/capture/captured_step.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/graph.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/sgd.h"

namespace dagrad::nn {
namespace {

/// The modules one by one: as someone watches, nothing is fused.
Tensor one_by_one(Sequential& net, const Tensor& x) {
  const ForwardObserver watch([](Module&, const Tensor&, const Tensor&) {});
  return net(x);
}

void expect_near(const Tensor& got, const Tensor& want, double bound, const char* what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  EXPECT_LE(max(abs(got - want)).item<double>(), bound * std::max(1.0, max(abs(want)).item<double>())) << what;
}

std::vector<Tensor> gradients(Sequential& net, const Tensor& result) {
  net.zero_grad();
  sum(square(result)).backward();
  std::vector<Tensor> all;
  for (const Tensor& p : net.parameters()) all.push_back(p.grad());
  return all;
}

/// Lets the running estimates and parameters of norms be other than at the start.
void use(Sequential& net, const Shape& input) {
  for (int i = 0; i < 3; ++i) net(randn(input) * 2 + 0.5);
  apply_to<BatchNorm>(net, [](BatchNorm& norm) {
    init::uniform_(norm.weight, 0.5, 1.5);
    init::normal_(norm.bias);
  });
}

struct Case {
  const char* name;
  Sequential net;
  Shape input;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back({"activations",
                 Sequential(Linear(5, 6), ReLU(), Linear(6, 6), Tanh(), Linear(6, 6), Sigmoid(), Linear(6, 4), GELU()),
                 {7, 5}});
  all.push_back({"mlp", mlp({5, 6, 6, 3}, {.norm = NormKind::batch, .dropout = 0}), {7, 5}});
  all.push_back({"tanh", mlp({5, 6, 3}, {.activation = ActivationKind::tanh, .norm = NormKind::batch}), {7, 5}});
  all.push_back({"cnn", cnn({2, 6, 6}, {4, 3}, 3, {.norm = NormKind::batch}), {3, 2, 6, 6}});
  all.push_back(
      {"conv_1d", Sequential(Conv1d(2, 4, 3), BatchNorm1d(4), Tanh(), Conv1d(4, 2, 2), BatchNorm1d(2)), {3, 2, 7}});
  all.push_back({"pool_1d", Sequential(Conv1d(2, 4, 3), ReLU(), MaxPool1d(2)), {3, 2, 9}});
  all.push_back({"pool_2d",
                 Sequential(Conv2d(1, 4, 3), ReLU(), MaxPool2d({.kernel = 3, .stride = 2, .padding = 1}),
                            Conv2d(4, 3, 1), BatchNorm2d(3), ReLU(), MaxPool2d(2)),
                 {3, 1, 9, 9}});
  all.push_back({"pool_3d", Sequential(Conv3d(1, 2, 2), BatchNorm3d(2), ReLU(), MaxPool3d(2)), {2, 1, 3, 3, 3}});
  all.push_back({"conv_3d", Sequential(Conv3d(1, 2, 2), BatchNorm3d(2), ReLU()), {2, 1, 3, 3, 3}});
  return all;
}

TEST(SequentialFusion, GivesTheModulesResultsAndGradientsInTraining) {
  manual_seed(1);
  for (Case& one : cases()) {
    use(one.net, one.input);
    one.net.to(f64);
    const Tensor x = randn(one.input, f64);
    const Tensor apart = one_by_one(one.net, x);
    const std::vector<Tensor> wanted = gradients(one.net, apart);
    const Tensor together = one.net(x);
    expect_near(together, apart, 1e-13, one.name);
    const std::vector<Tensor> got = gradients(one.net, together);
    for (std::size_t i = 0; i < got.size(); ++i) expect_near(got[i], wanted[i], 1e-11, one.name);
  }
}

TEST(SequentialFusion, GivesTheModulesResultsInEvaluation) {
  manual_seed(2);
  for (Case& one : cases()) {
    use(one.net, one.input);
    one.net.eval();
    const NoGrad guard;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const Tensor x = randn(one.input);
      expect_near(one.net(x), one_by_one(one.net, x), 2e-5, one.name);
    }
  }
}

TEST(SequentialFusion, TakesOneOpForALayerWithItsActivationAndItsNorm) {
  manual_seed(3);
  Sequential net = mlp({5, 6, 3});
  const Tensor x = randn({4, 5}).requires_grad_();
  EXPECT_EQ(Graph(net(x)).size() + 1, Graph(one_by_one(net, x)).size());
  Sequential normed = mlp({5, 6, 3}, {.norm = NormKind::batch});
  EXPECT_EQ(Graph(normed(x)).size() + 1, Graph(one_by_one(normed, x)).size());
  Sequential pooled(Conv2d(1, 3, 3), BatchNorm2d(3), ReLU(), MaxPool2d(2));
  const Tensor image = randn({2, 1, 6, 6});
  EXPECT_EQ(Graph(pooled(image)).size() + 1, Graph(one_by_one(pooled, image)).size());
}

TEST(SequentialFusion, NoticesThatAParameterHasChanged) {
  manual_seed(4);
  Sequential net(Conv2d(1, 3, 3), BatchNorm2d(3), ReLU());
  const Tensor x = randn({2, 1, 6, 6});
  const auto agrees = [&](const char* after) {
    net.eval();
    {
      const NoGrad guard;
      expect_near(net(x), one_by_one(net, x), 1e-5, after);
    }
    net.train();
  };
  use(net, {2, 1, 6, 6});
  agrees("the first use");
  optim::SGD sgd(net.parameters(), {.lr = 0.5});
  sum(square(net(x))).backward();
  agrees("running estimates");
  sgd.step();
  agrees("a step");
  init::ones_(net.parameters()[0]);
  agrees("an initialisation");
  const Sequential other(Conv2d(1, 3, 3), BatchNorm2d(3), ReLU());
  load_state(net, state(other));
  agrees("loading");
  static_cast<BatchNorm2d&>(net[1]).options.eps = 0.5;
  agrees("another eps");
  static_cast<Conv2d&>(net[0]).bias = randn({3});
  agrees("another bias");
  Sequential copy = deep_copy(net);
  copy.eval();
  static_cast<Conv2d&>(copy[0]).weight.mutable_data<float>()[0] += 1;
  const NoGrad guard;
  expect_near(copy(x), one_by_one(copy, x), 1e-5, "a copy");
  agrees("a change of the copy");
}

TEST(SequentialFusion, NoticesInCapturedStepsThatAParameterHasChanged) {
  Sequential net(Conv2d(3, 8, 3), BatchNorm2d(8), ReLU(), Flatten(), Linear(8 * 16, 4), BatchNorm1d(4));
  net.eval();
  const auto evaluate = [&](const Tensor& x) {
    const NoGrad guard;
    return net(x);
  };
  CapturedStep step(evaluate);
  for (int i = 0; i < 9; ++i) {
    const NoGrad guard;
    if (i % 2 == 1) {
      for (Tensor p : net.parameters()) p.copy_(p * 1.1);
    }
    const Tensor x = randn({5, 3, 6, 6});
    EXPECT_EQ(step(x).to_vector<float>(), evaluate(x).to_vector<float>()) << "call " << i;
  }
}

TEST(SequentialFusion, LeavesAloneWhatIsNotTheSame) {
  manual_seed(5);
  // A derived class computes something else; a norm without estimates and one over [N, L, C] cannot be folded.
  Sequential derived(WeightStandardized<Linear>(4, 3), BatchNorm1d(3), ReLU());
  Sequential without(Linear(4, 3), BatchNorm1d(3, {.track_running_stats = false}), ReLU());
  Sequential other_axis(Linear(4, 3), BatchNorm1d(5), ReLU());
  const auto check = [](Sequential& net, const Shape& input, const char* what) {
    use(net, input);
    net.eval();
    const NoGrad guard;
    const Tensor x = randn(input);
    expect_near(net(x), one_by_one(net, x), 1e-6, what);
  };
  check(derived, {6, 4}, "derived");
  check(without, {6, 4}, "without");
  check(other_axis, {2, 5, 4}, "other axis");
}

}  // namespace
}  // namespace dagrad::nn
