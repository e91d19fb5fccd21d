#include "dagrad/nn/perceptron.h"

#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/data/generators.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/adam.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

TEST(Perceptron, FollowsTheRule) {
  Perceptron p(2);
  // At 0 everything is off, so the first sample that should be on is a mistake; then the second is on, which it should
  // not be.
  EXPECT_EQ(p.learn(tensor({1, 2, 3, 1}, {2, 2}), tensor({1, 0}), 0.5), 2);
  EXPECT_EQ(p.weight.to_vector<float>(), (std::vector<float>{0.5f - 1.5f, 1 - 0.5f}));
  EXPECT_EQ(p.bias.item<float>(), 0);
  EXPECT_EQ(p(tensor({1, 2, 0, 1}, {2, 2})).to_vector<int>(), (std::vector<int>{0, 1}));
}

TEST(Perceptron, LearnsWhatALineParts) {
  const Tensor corners = tensor({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2});
  Perceptron both(2), either(2);
  EXPECT_TRUE(both.fit(corners, tensor({0, 0, 0, 1}), 100));
  EXPECT_EQ(both(corners).to_vector<int>(), (std::vector<int>{0, 0, 0, 1}));
  EXPECT_TRUE(either.fit(corners, tensor({0, 1, 1, 1}), 100));
  const data::Dataset blobs = data::blobs(200, {.classes = 2, .features = 5});
  EXPECT_TRUE(Perceptron(5).fit(blobs.features, blobs.labels, 100));
}

TEST(Perceptron, NeverLearnsXorWhichAnMlpSolvesExactly) {
  const data::Dataset corners = data::xor_corners();
  Perceptron p(2);
  EXPECT_FALSE(p.fit(corners.features, corners.labels, 1000));
  manual_seed(1);
  Sequential net = mlp({2, 8, 2}, {.activation = ActivationKind::tanh});
  optim::Adam adam(net.parameters(), {.lr = 0.05});
  for (int step = 0; step < 200; ++step) {
    adam.zero_grad();
    cross_entropy(net(corners.features), corners.labels).backward();
    adam.step();
  }
  EXPECT_EQ(argmax(net(corners.features)).to_vector<int>(), corners.labels.to_vector<int>());
  EXPECT_LT(cross_entropy(net(corners.features), corners.labels).item<double>(), 0.01);
}

TEST(Perceptron, SaysWhatIsWrong) {
  Perceptron p(2);
  expect_error<UsageError>([&] { p.learn(ones({1, 2}), full({1}, 2)); }, "Perceptron: target 0 is 2 (want 0 or 1)");
  expect_error<ShapeError>(
      [&] {
        p.learn(ones({1, 3}), ones({1}));
      },
      "Perceptron: x is [1, 3], target is [1] (want [N, 2] and [N])");
  expect_error<ShapeError>([] { Perceptron(0); }, "Perceptron: in is 0 (want at least 1)");
}

}  // namespace
}  // namespace dagrad::nn
