#include "dagrad/core/analysis/memory_forecast.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <memory>

#include "dagrad/core/allocator.h"
#include "dagrad/core/autocast.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/checkpoint.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/graph.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad {
namespace {

/// By how much the peak exceeds what is live when `work` begins.
template <class F>
std::size_t measured_rise(const F& work) {
  const std::size_t before = allocator_statistics().live_bytes;
  reset_peak_bytes();
  work();
  return allocator_statistics().peak_bytes - before;
}

/// The bound that memory_forecast.h states.
testing::AssertionResult agrees(std::size_t forecast, std::size_t measured) {
  const double difference = std::abs(static_cast<double>(forecast) - static_cast<double>(measured));
  const double bound = std::max(0.02 * static_cast<double>(measured), 65536.0);
  auto result = difference <= bound ? testing::AssertionSuccess() : testing::AssertionFailure();
  return result << "forecast " << forecast << ", measured " << measured << ", "
                << 100 * difference / static_cast<double>(measured) << "% apart";
}

struct Case {
  TensorFunction loss;
  std::vector<Spec> inputs;
};

std::vector<Tensor> made(const std::vector<Spec>& specs) {
  std::vector<Tensor> result;
  for (const Spec& spec : specs)
    result.push_back(spec.dtype == i64 ? randint(0, 10, spec.shape) : randn(spec.shape, spec.dtype));
  return result;
}

Case mlp() {
  auto net = std::make_shared<nn::Sequential>(nn::Linear(784, 512), nn::ReLU(), nn::Linear(512, 512), nn::Tanh(),
                                              nn::Dropout(0.3), nn::Linear(512, 10));
  return {[net](const Tensor& x, const Tensor& labels) { return cross_entropy((*net)(x), labels); },
          {Spec{{512, 784}}, Spec{{512}, i64}}};
}

Case cnn() {
  auto net = std::make_shared<nn::Sequential>(nn::Conv2d({.in = 3, .out = 32, .kernel = 3, .padding = 1}),
                                              nn::BatchNorm2d(32), nn::ReLU(), nn::MaxPool2d(2),
                                              nn::Conv2d({.in = 32, .out = 64, .kernel = 3, .padding = 1}), nn::ReLU(),
                                              nn::AdaptiveAvgPool2d(1), nn::Flatten(), nn::Linear(64, 10));
  return {[net](const Tensor& x, const Tensor& labels) { return cross_entropy((*net)(x), labels); },
          {Spec{{16, 3, 32, 32}}, Spec{{16}, i64}}};
}

Case lstm() {
  auto net = std::make_shared<nn::LSTM>(64, 128);
  auto last = std::make_shared<nn::Linear>(128, 10);
  return {[net, last](const Tensor& x, const Tensor& labels) {
            return cross_entropy((*last)(select((*net)(x), 0, -1)), labels);
          },
          {Spec{{40, 32, 64}}, Spec{{32}, i64}}};
}

Case checkpointed() {
  auto net = std::make_shared<std::vector<nn::Sequential>>();
  for (int i = 0; i < 4; ++i)
    net->push_back(nn::Sequential(nn::Linear(256, 1024), nn::GELU(), nn::Dropout(0.1), nn::Linear(1024, 256)));
  return {[net](const Tensor& x) {
            Tensor h = x;
            for (nn::Sequential& block : *net) h = h + checkpoint([&block](const Tensor& t) { return block(t); }, h);
            return sum(square(h));
          },
          {Spec{{256, 256}}}};
}

Case mlp_in_bf16() {
  const Case plain = mlp();
  return {[loss = plain.loss](const Tensor& x, const Tensor& labels) {
            const Autocast mixed;
            return loss(std::vector{x, labels})[0];
          },
          plain.inputs};
}

/// A case by its name, so that the tests' names are known before anything is computed.
struct Net {
  const char* name;
  Case (*make)();
};

class MemoryForecastOf : public testing::TestWithParam<Net> {};

TEST_P(MemoryForecastOf, AStepIsWhatTheAllocatorMeasures) {
  const ThreadLimit one(1);  // what each of several threads takes for itself is not forecast
  const Case c = GetParam().make();
  const MemoryForecast forecast = forecast_step(c.loss, c.inputs);
  const std::vector<Tensor> inputs = made(c.inputs);
  for (int round = 0; round < 2; ++round) {
    // The second time there are gradients already.
    const MemoryForecast now = round == 0 ? forecast : forecast_step(c.loss, inputs);
    const std::size_t measured = measured_rise([&] { c.loss(inputs)[0].backward(); });
    EXPECT_TRUE(agrees(now.rise(), measured)) << GetParam().name << " round " << round << "\n" << now.str();
  }
}

TEST_P(MemoryForecastOf, ABackwardIsWhatTheAllocatorMeasures) {
  const ThreadLimit one(1);
  const Case c = GetParam().make();
  const std::vector<Tensor> inputs = made(c.inputs);
  const Tensor loss = c.loss(inputs)[0];
  const MemoryForecast forecast = forecast_backward(loss);
  const std::size_t measured = measured_rise([&] { loss.backward(); });
  EXPECT_TRUE(agrees(forecast.rise(), measured)) << GetParam().name << "\n" << forecast.str();
}

INSTANTIATE_TEST_SUITE_P(Nets, MemoryForecastOf,
                         testing::Values(Net{"mlp", mlp}, Net{"mlp_in_bf16", mlp_in_bf16}, Net{"cnn", cnn},
                                         Net{"lstm", lstm}, Net{"checkpointed", checkpointed}),
                         [](const auto& net) { return std::string(net.param.name); });

TEST(MemoryForecast, NeedsNoMemoryItself) {
  const Case c = mlp();
  const std::size_t rise = measured_rise([&] {
    const MemoryForecast forecast = forecast_step(c.loss, {Spec{{1 << 20, 784}}, Spec{{1 << 20}, i64}});
    EXPECT_GT(forecast.peak.saved, std::size_t{3} << 30);
  });
  EXPECT_LT(rise, std::size_t{1} << 20);
}

TEST(MemoryForecast, LeavesEverythingAsItWas) {
  nn::Sequential net(nn::Linear(4, 8), nn::BatchNorm1d(8), nn::Linear(8, 1));
  const Tensor x = randn({6, 4});
  Generator generator;
  const auto block = [&](const Tensor& t) {
    return net(dropout(checkpoint([](const Tensor& u) { return u * u; }, t), 0.5, generator));
  };
  const auto loss = [&] {
    generator.manual_seed(3);
    return sum(square(checkpoint(block, x)));
  };
  const auto gradients = [&] {
    std::vector<std::vector<float>> result;
    for (const Tensor& p : net.parameters()) result.push_back(p.grad().to_vector<float>());
    return result;
  };
  loss().backward();
  const auto want = gradients();
  net.zero_grad();

  const Tensor again = loss();
  const auto position = generator.position(), own_position = default_generator().position();
  const auto mean = net.named_buffers()[0].second.to_vector<float>();
  const std::size_t saved = Graph(again).saved_bytes();
  const std::size_t peak = forecast_backward(again).peak.total();
  (void)forecast_step([&](const Tensor& t) { return sum(block(t) * rand({6, 1})); }, {x});
  EXPECT_EQ(forecast_backward(again).peak.total(), peak);
  EXPECT_EQ(generator.position(), position);
  EXPECT_EQ(default_generator().position(), own_position);
  EXPECT_EQ(net.named_buffers()[0].second.to_vector<float>(), mean);
  EXPECT_EQ(Graph(again).saved_bytes(), saved);
  for (const Tensor& p : net.parameters()) EXPECT_FALSE(p.grad().defined());
  again.backward();
  EXPECT_EQ(gradients(), want);
}

// Weights that are kept in another form are kept from calls that compute.
TEST(MemoryForecast, LeavesNoWeightsBehindThatNobodyComputed) {
  const Tensor x = randn({2, 700});
  nn::Linear linear(700, 700);
  const auto mixed = [&](const Tensor& t) {
    const Autocast autocast;
    return linear(t);
  };
  forecast_step([&](const Tensor& t) { return sum(mixed(t)); }, {x});
  EXPECT_LT(max(abs(to(mixed(x), f32) - linear(x))).item<double>(), 0.1);

  nn::Sequential folded(nn::Linear(700, 700), nn::BatchNorm1d(700));
  folded.eval();
  const Tensor want = folded(x).detach(), one = ones({1}).requires_grad_();
  const auto inferred = [&](const Tensor& t) {
    const NoGrad guard;
    return folded(t);
  };
  forecast_step([&](const Tensor& t) { return sum(inferred(t) * one); }, {x});
  EXPECT_LT(max(abs(inferred(x) - want)).item<double>(), 1e-4);
}

TEST(MemoryForecast, SeesWhatOthersHold) {
  const Tensor x = randn({1000}).requires_grad_();
  const auto loss = [&](Tensor& between) {
    between = tanh(x);
    return sum(square(between));
  };
  Tensor between;
  const MemoryForecast held = forecast_backward(loss(between));
  EXPECT_EQ(held.start.saved, 0u);
  EXPECT_GE(held.end.inputs, 4000u);
  const Tensor alone = loss(between);
  between = {};
  const MemoryForecast freed = forecast_backward(alone);
  EXPECT_GE(freed.start.saved, 4000u);
  EXPECT_EQ(freed.end.saved, 0u);
  EXPECT_EQ(freed.end.inputs, 0u);
  EXPECT_GE(forecast_backward(alone, {.retain_graph = true}).end.saved, 4000u);
}

TEST(MemoryForecast, CountsGradientsThatAreThereAndStatesThatItIsToldOf) {
  const Tensor x = randn({1000}).requires_grad_();
  sum(square(x)).backward();
  const MemoryForecast forecast = forecast_backward(sum(square(x)), {.optimizer_state_bytes = 8000});
  EXPECT_GE(forecast.start.gradients, 4000u);
  EXPECT_EQ(forecast.end.gradients, forecast.start.gradients);  // they add up in place
  EXPECT_GE(forecast.start.parameters, 4000u);
  EXPECT_EQ(forecast.peak.optimizer_states, 8000u);
}

/// Its functions one by one, where Sequential would fuse them.
struct TwoLayers : nn::Module {
  nn::Linear first{64, 512}, second{512, 512};
  void parts(nn::Parts& p) override {
    p.module("first", first);
    p.module("second", second);
  }
  Tensor forward(const Tensor& x) override { return tanh(second(tanh(first(x)))); }
};

TEST(MemoryForecast, NamesTheLinesAndModulesThatHoldMost) {
  TwoLayers net;
  net.name_parameters();
  const Tensor x = randn({512, 64});
  const MemoryForecast forecast = forecast_backward(sum(net(x)));
  ASSERT_FALSE(forecast.holders.empty());
  std::string all;
  for (const MemoryHolder& holder : forecast.holders) all += holder.what + "\n";
  EXPECT_NE(all.find("saved by 'tanh' at "), std::string::npos) << all;
  EXPECT_NE(all.find(" in module 'second'"), std::string::npos) << all;
  EXPECT_TRUE(std::is_sorted(forecast.holders.begin(), forecast.holders.end(),
                             [](const auto& a, const auto& b) { return a.bytes > b.bytes; }));
  const std::string text = forecast.str(1);
  EXPECT_TRUE(text.starts_with("memory forecast: ")) << text;
  EXPECT_NE(text.find("parameters "), std::string::npos) << text;
  EXPECT_NE(text.find(forecast.holders[0].what), std::string::npos) << text;
  EXPECT_NE(forecast.during.find("the backward of 'linear' at "), std::string::npos) << forecast.during;
  EXPECT_NE(forecast.during.find(" in module 'second'"), std::string::npos) << forecast.during;
}

TEST(MemoryForecast, SaysWhatIsWrong) {
  const Tensor x = randn({3}).requires_grad_();
  const Tensor y = sum(tanh(x));
  expect_error_with<GradientError>([&] { forecast_backward(x.detach()); }, "has no history");
  y.backward();
  expect_error_with<GradientError>([&] { forecast_backward(y); }, "the saved tensors of 'tanh' recorded at ");
  const auto two = [](const Tensor& a, const Tensor& b) { return a * b; };
  expect_error_with<UsageError>([&] { forecast_step(two, {x}); }, "forecast_step: 1 inputs for a function of 2");
  const auto steps = [](const Tensor& t) {
    Tensor loss = sum(t * t);
    loss.backward();
    return loss;
  };
  expect_error_with<UsageError>([&] { forecast_step(steps, {x}); },
                                "backward: called by a function whose memory is being forecast");
}

}  // namespace
}  // namespace dagrad
