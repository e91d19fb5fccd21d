#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/sgd.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

TEST(Penalty, SumsAbsoluteValuesAndSquaresByGroup) {
  const Tensor a = tensor({1, -2}, f64).requires_grad_(), b = tensor({3, 0}, f64).requires_grad_();
  EXPECT_EQ(l1_norm({a, b}).item<double>(), 6);
  EXPECT_EQ(squared_l2_norm({a, b}).item<double>(), 14);
  const Tensor total = penalty({{.parameters = {a}, .l1 = 0.5}, {.parameters = {a, b}, .l2 = 0.25}});
  EXPECT_EQ(total.item<double>(), 0.5 * 3 + 0.25 * 14);
  total.backward();
  EXPECT_EQ(a.grad().to_vector<double>(), (std::vector<double>{0.5 + 0.5, -0.5 - 1}));
  EXPECT_EQ(b.grad().to_vector<double>(), (std::vector<double>{1.5, 0}));
  expect_error<UsageError>([] { l1_norm({}); }, "l1_norm: no tensors (want at least one)");
  expect_error<UsageError>([&] { penalty({{.parameters = {a}, .l1 = -1}}); },
                           "penalty: l1 is -1, l2 is 0 (want both at least 0)");
  expect_error<UsageError>([&] { penalty({{.parameters = {a}}}); },
                           "penalty: nothing to penalise (want a group with parameters and a strength)");
}

TEST(Penalty, EqualsWeightDecay) {
  Tensor by_penalty = tensor({1, -2}).requires_grad_(), by_decay = tensor({1, -2}).requires_grad_();
  optim::SGD plain({by_penalty}, {.lr = 0.1}), decaying({by_decay}, {.lr = 0.1, .weight_decay = 0.02});
  (sum(by_penalty * 3.0) + penalty({{.parameters = {by_penalty}, .l2 = 0.01}})).backward();
  sum(by_decay * 3.0).backward();
  plain.step();
  decaying.step();
  const auto a = by_penalty.to_vector<double>(), b = by_decay.to_vector<double>();
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(a[i], b[i], 1e-7);
}

TEST(EarlyStopping, WaitsAndRestoresTheBest) {
  Linear net(2, 1);
  EarlyStopping stopping({.patience = 2, .min_delta = 0.1});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto value = [&](double v, float weight) {
    init::constant_(net.weight, weight);
    return stopping.update(v, net);
  };
  EXPECT_FALSE(value(nan, 0));
  EXPECT_FALSE(value(1.0, 1));
  EXPECT_FALSE(value(0.5, 2));
  EXPECT_FALSE(value(0.45, 3));  // not better by more than min_delta
  EXPECT_FALSE(value(0.3, 4));
  EXPECT_FALSE(value(nan, 5));
  EXPECT_TRUE(value(0.9, 6));
  EXPECT_EQ(stopping.best(), 0.3);
  EXPECT_EQ(stopping.best_epoch(), 4);
  stopping.restore(net);
  EXPECT_EQ(net.weight.to_vector<float>(), (std::vector<float>{4, 4}));
}

TEST(EarlyStopping, MaximisesAsWell) {
  Linear net(1, 1);
  EarlyStopping stopping({.patience = 1, .goal = Goal::maximise, .restore_best = false});
  EXPECT_FALSE(stopping.update(0.5, net));
  EXPECT_FALSE(stopping.update(0.6, net));
  EXPECT_TRUE(stopping.update(0.6, net));
  expect_error<UsageError>([&] { stopping.restore(net); }, "EarlyStopping: nothing was kept (want restore_best)");
  expect_error<UsageError>([&] { EarlyStopping().restore(net); },
                           "EarlyStopping: nothing to restore (want an update with a number first)");
  expect_error<UsageError>([] { EarlyStopping({.patience = 0}); }, "EarlyStopping: patience is 0 (want at least 1)");
  expect_error<UsageError>([] { EarlyStopping({.min_delta = -1}); },
                           "EarlyStopping: min_delta is -1 (want at least 0)");
}

TEST(Ensemble, AveragesOutputs) {
  manual_seed(1);
  const Tensor x = randn({4, 3});
  Linear a(3, 2), b(3, 2);
  Ensemble outputs({a, b}), probabilities({a, b}, EnsembleOf::probabilities);
  const auto half = ((a(x) + b(x)) / 2.0).to_vector<float>();
  EXPECT_EQ(outputs(x).to_vector<float>(), half);
  const auto mixed = ((exp(log_softmax(a(x))) + exp(log_softmax(b(x)))) / 2.0).to_vector<float>();
  const auto got = exp(probabilities(x)).to_vector<float>();
  for (std::size_t i = 0; i < mixed.size(); ++i) EXPECT_NEAR(got[i], mixed[i], 1e-6);
  EXPECT_EQ(outputs.named_parameters()[2].first, "1.weight");
  expect_error<UsageError>([] { Ensemble({}); }, "Ensemble: no members (want at least one)");
}

TEST(Ensemble, AveragesStates) {
  const io::NamedTensors a{{"w", tensor({1, 2})}, {"n", tensor({3}, i64)}};
  const io::NamedTensors b{{"w", tensor({5, 2})}, {"n", tensor({9}, i64)}};
  const std::vector<io::NamedTensors> both{a, b};
  const auto mean = average_states(both);
  EXPECT_EQ(mean[0].second.to_vector<float>(), (std::vector<float>{3, 2}));
  EXPECT_EQ(mean[1].second.item<int>(), 9);
  const std::vector<double> weights{3, 1};
  EXPECT_EQ(average_states(both, weights)[0].second.to_vector<float>(), (std::vector<float>{2, 2}));
  const std::vector<io::NamedTensors> uneven{a, {{"w", tensor({1})}, {"n", tensor({3}, i64)}}};
  expect_error<UsageError>([&] { average_states(uneven); },
                           "average_states: state 1 differs from the first in names, shapes or types");
  const std::vector<double> none{0, 0};
  expect_error<UsageError>([&] { average_states(both, none); },
                           "average_states: the weights sum to 0 (want it finite, above 0)");
  expect_error<UsageError>([] { average_states({}); }, "average_states: no states (want at least one)");
}

TEST(Snapshots, KeepTheLastEpochs) {
  Linear net(1, 1, false);
  Snapshots snapshots(3);
  for (int epoch = 0; epoch < 5; ++epoch) {
    init::constant_(net.weight, epoch);
    snapshots.take(net);
  }
  EXPECT_EQ(snapshots.size(), 3u);
  Linear mean(1, 1, false);
  load_state(mean, snapshots.average());
  EXPECT_EQ(mean.weight.item<float>(), 3);
  Ensemble members = snapshots.ensemble(net);
  EXPECT_EQ(members.size(), 3u);
  EXPECT_EQ(dynamic_cast<Linear&>(members[0]).weight.item<float>(), 2);
  EXPECT_EQ(net.weight.item<float>(), 4);
  EXPECT_EQ(members(ones({1, 1})).item<float>(), 3);
}

}  // namespace
}  // namespace dagrad::nn
