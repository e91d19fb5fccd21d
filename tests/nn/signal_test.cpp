// What initialisation does to a deep network, against what theory says of it.
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/init.h"
#include "dagrad/nn/mlp.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/sgd.h"

namespace dagrad::nn {
namespace {

constexpr int kLayers = 20;
constexpr std::int64_t kWidth = 512, kBatch = 16;

double mean_square(const Tensor& t) {
  const auto values = t.to_vector<double>();
  double sum = 0;
  for (const double v : values) sum += v * v;
  return sum / static_cast<double>(values.size());
}

/// The mean squares of the pre-activations of each layer, and of the gradients that come back to them.
struct Signal {
  std::vector<double> forward = std::vector<double>(kLayers), backward = std::vector<double>(kLayers);
  std::vector<double> saturated = std::vector<double>(kLayers);  ///< share of units beyond 0.99, for tanh
};

using Start = std::function<void(Tensor& weights)>;
using Activate = std::function<Tensor(const Tensor&)>;

/// Averages over `seeds` networks and inputs.
Signal send(const Start& start, const Activate& activate, int seeds) {
  Signal result;
  for (int seed = 0; seed < seeds; ++seed) {
    manual_seed(static_cast<std::uint64_t>(100 + seed));
    Tensor x = randn({kBatch, kWidth});
    std::vector<Tensor> pre;
    for (int layer = 0; layer < kLayers; ++layer) {
      Tensor weights = empty({kWidth, kWidth});
      start(weights);
      pre.push_back(linear(x, weights.requires_grad_()));
      pre.back().retain_grad();
      x = activate(pre.back());
    }
    pre.back().backward(randn({kBatch, kWidth}));
    for (std::size_t layer = 0; layer < kLayers; ++layer) {
      result.forward[layer] += mean_square(pre[layer]) / seeds;
      result.backward[layer] += mean_square(pre[layer].grad()) / seeds;
      const auto values = pre[layer].to_vector<double>();
      double beyond = 0;
      for (const double v : values) beyond += std::abs(std::tanh(v)) > 0.99;
      result.saturated[layer] += beyond / static_cast<double>(values.size()) / seeds;
    }
  }
  return result;
}

/// The mean of f(z) for z from N(0, variance), by the trapezoidal rule.
double normal_mean(double variance, const std::function<double(double)>& f) {
  constexpr int kSteps = 4000;
  constexpr double kReach = 10;
  double sum = 0;
  for (int i = -kSteps; i <= kSteps; ++i) {
    const double u = kReach * i / kSteps;
    sum += std::exp(-u * u / 2) * f(std::sqrt(variance) * u);
  }
  return sum * kReach / kSteps / std::sqrt(2 * M_PI);
}

/// In the limit of wide layers pre-activations are normal, and each layer's variance follows from the one before:
/// q' = width v E[tanh(z)^2], and of gradients going back g = width v E[tanh'(z)^2] g' (Poole et al. 2016; Schoenholz
/// et al. 2017). v is the variance of a weight.
Signal predict_tanh(double v) {
  Signal theory;
  theory.forward[0] = static_cast<double>(kWidth) * v;
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    if (layer > 0) {
      theory.forward[layer] = static_cast<double>(kWidth) * v * normal_mean(theory.forward[layer - 1], [](double z) {
                                return std::pow(std::tanh(z), 2);
                              });
    }
    // |tanh z| > 0.99 beyond atanh(0.99).
    theory.saturated[layer] = std::erfc(std::atanh(0.99) / std::sqrt(2 * theory.forward[layer]));
  }
  theory.backward[kLayers - 1] = 1;
  for (std::size_t layer = kLayers - 1; layer-- > 0;) {
    theory.backward[layer] = theory.backward[layer + 1] * static_cast<double>(kWidth) * v *
                             normal_mean(theory.forward[layer], [](double z) { return std::pow(std::cosh(z), -4); });
  }
  return theory;
}

Tensor relu_of(const Tensor& x) { return relu(x); }
Tensor tanh_of(const Tensor& x) { return tanh(x); }

TEST(Signal, KeepsItsVarianceThroughAReluNetByHe) {
  constexpr int kSeeds = 12;
  const Signal signal = send([](Tensor& w) { init::kaiming_normal_(w); }, relu_of, kSeeds);
  // In theory every layer has twice the inputs' mean square, 2, and every gradient 1. A layer of n units multiplies
  // the square by 1 +- sqrt(5 / n), so that 20 layers and 12 seeds leave a standard error of 13%.
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    EXPECT_GT(signal.forward[layer] / 2, 1 / 1.5) << layer;
    EXPECT_LT(signal.forward[layer] / 2, 1.5) << layer;
    EXPECT_GT(signal.backward[layer], 1 / 1.5) << layer;
    EXPECT_LT(signal.backward[layer], 1.5) << layer;
  }
  // The first layer has no layers before it to sum up their chance.
  EXPECT_NEAR(signal.forward[0], 2, 0.05);
}

TEST(Signal, StaysAliveThroughATanhNetByXavier) {
  const Signal signal = send([](Tensor& w) { init::xavier_normal_(w); }, tanh_of, 6);
  const Signal theory = predict_tanh(1.0 / kWidth);
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    EXPECT_NEAR(signal.forward[layer] / theory.forward[layer], 1, 0.2) << layer;
    EXPECT_NEAR(signal.backward[layer] / theory.backward[layer], 1, 0.25) << layer;
  }
  // Both lose some of their size, but no more than training makes up for.
  EXPECT_GT(std::sqrt(signal.forward.back()), 0.15);
  EXPECT_GT(std::sqrt(signal.backward.front()), 0.15);
  EXPECT_LT(signal.saturated.back(), 0.001);
}

TEST(Signal, SaturatesUnderWeightsOfDeviationOne) {
  const Signal signal = send([](Tensor& w) { init::normal_(w, 0, 1); }, tanh_of, 2);
  const Signal theory = predict_tanh(1);
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    EXPECT_GT(signal.saturated[layer], 0.9) << layer;
    EXPECT_NEAR(signal.saturated[layer], theory.saturated[layer], 0.01) << layer;
    EXPECT_NEAR(signal.forward[layer] / theory.forward[layer], 1, 0.05) << layer;
    // Going back, the few units that are not saturated multiply the gradients, by about twelve a layer.
    const double layers = kLayers - static_cast<double>(layer);
    EXPECT_NEAR(std::log(signal.backward[layer] / theory.backward[layer]), 0, 0.1 * layers) << layer;
  }
  EXPECT_GT(signal.backward.front(), 1e15);
}

TEST(Signal, IsLostUnderWeightsOfDeviationOneHundredth) {
  const Signal signal = send([](Tensor& w) { init::normal_(w, 0, 0.01); }, tanh_of, 4);
  const Signal theory = predict_tanh(1e-4);
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    const double layers = static_cast<double>(layer) + 1;
    EXPECT_NEAR(std::log(signal.forward[layer] / theory.forward[layer]), 0, 0.05 * layers) << layer;
    EXPECT_NEAR(std::log(signal.backward[layer] / theory.backward[layer]), 0, 0.05 * (kLayers - layers + 1)) << layer;
  }
  EXPECT_LT(signal.forward.back(), 1e-24);
}

/// How far apart the units of each hidden layer are after some training from weights that `start` sets.
double spread_after_training(const Start& start) {
  manual_seed(11);
  Sequential net = mlp({3, 8, 8, 2}, {.activation = ActivationKind::tanh});
  net.to(f64);
  for (Tensor p : net.parameters()) start(p);
  const Tensor x = randn({16, 3}, f64), y = randn({16, 2}, f64);
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  for (int step = 0; step < 30; ++step) {
    sgd.zero_grad();
    mean(square(net(x) - y)).backward();
    sgd.step();
  }
  double spread = 0;
  for (const std::size_t layer : {0u, 2u}) {  // the weights of the hidden layers, a row a unit
    const Tensor weights = net.parameters()[layer];
    const auto rows = weights.to_vector<double>();
    const auto columns = static_cast<std::size_t>(weights.size(1));
    for (std::size_t i = 0; i < rows.size(); ++i) spread = std::max(spread, std::abs(rows[i] - rows[i % columns]));
  }
  return spread;
}

TEST(Symmetry, IsNeverBrokenFromEqualWeights) {
  // Units with equal weights get equal gradients, so they stay one unit, written down eight times.
  EXPECT_EQ(spread_after_training([](Tensor& p) { init::zeros_(p); }), 0);
  EXPECT_EQ(spread_after_training([](Tensor& p) { init::constant_(p, 0.3); }), 0);
  EXPECT_GT(spread_after_training([](Tensor& p) { init::uniform_(p, -0.5, 0.5); }), 0.1);
}

}  // namespace
}  // namespace dagrad::nn
