#include "dagrad/nn/containers.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/core/node.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : module.named_parameters()) result.push_back(name);
  return result;
}

/// Whether what `net` gives, and the gradients of its parameters, are those of its modules one by one.
::testing::AssertionResult runs_as_its_parts(Sequential& net, const Tensor& x, std::string_view op) {
  const auto gradients_of = [&](const Tensor& y) {
    net.zero_grad();
    sum(y * y).backward();
    std::vector<std::vector<float>> all{y.to_vector<float>()};
    for (const Tensor& p : net.parameters()) all.push_back(p.grad().to_vector<float>());
    return all;
  };
  const Tensor joined = net(x);
  Tensor parts = x;
  for (std::size_t i = 0; i < net.size(); ++i) parts = net[i](parts);
  if (joined.node()->name() != op)
    return ::testing::AssertionFailure() << "the result is of " << joined.node()->name() << " (want " << op << ")";
  const auto a = gradients_of(joined), b = gradients_of(parts);
  for (std::size_t k = 0; k < a.size(); ++k) {
    for (std::size_t i = 0; i < a[k].size(); ++i) {
      if (!(std::abs(a[k][i] - b[k][i]) <= 1e-5F * (1 + std::abs(b[k][i]))))
        return ::testing::AssertionFailure()
               << "tensor " << k << " at " << i << ": " << a[k][i] << " (want " << b[k][i] << ")";
    }
  }
  return ::testing::AssertionSuccess();
}

TEST(Sequential, RunsALayerAndTheActivationBehindItAsOneOp) {
  const Tensor x = randn({6, 5});
  Sequential relu_net(Linear(5, 7), ReLU()), tanh_net(Linear(5, 70), Tanh()), sigmoid_net(Linear(5, 7), Sigmoid());
  EXPECT_TRUE(runs_as_its_parts(relu_net, x, "linear_activation"));
  EXPECT_TRUE(runs_as_its_parts(tanh_net, x, "linear_activation"));
  EXPECT_TRUE(runs_as_its_parts(sigmoid_net, x, "linear_activation"));
  Sequential norm_net(Linear(5, 8), BatchNorm1d(8), ReLU());
  EXPECT_TRUE(runs_as_its_parts(norm_net, x, "batch_norm"));
}

TEST(Sequential, ShowsAnObserverTheLayerAndItsActivationApart) {
  Sequential net(Linear(2, 3), ReLU());
  std::vector<std::string> seen;
  float lowest = 0;
  {
    const ForwardObserver observer([&](Module& module, const Tensor&, const Tensor& result) {
      seen.push_back(module.describe());
      for (const float v : result.to_vector<float>()) lowest = std::min(lowest, v);
    });
    net(randn({20, 2}));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"Linear(2, 3)", "ReLU", "Sequential"}));
  EXPECT_LT(lowest, 0) << "the layer's result was seen with the activation";
}

TEST(ModuleList, NamesByPositionAndCopiesWithTypes) {
  ModuleList list;
  list.add(Linear(2, 3)).bias.zero_grad();
  list.add(Tanh());
  list.add(Linear(3, 1, false));
  EXPECT_EQ(names(list), (std::vector<std::string>{"0.weight", "0.bias", "2.weight"}));
  const ModuleList shared = list, own = deep_copy(list);
  EXPECT_NE(dynamic_cast<Linear*>(&own[0]), nullptr);
  EXPECT_TRUE(shared.parameters()[0].is_same(list.parameters()[0]));
  EXPECT_FALSE(own.parameters()[0].is_same(list.parameters()[0]));
  Tensor x = ones({4, 2});
  for (const AnyModule& module : list) x = module(x);
  EXPECT_EQ(x.shape(), (Shape{4, 1}));
  expect_error<UsageError>([&] { list[3]; }, "ModuleList: index 3 (want below 3)");
}

TEST(ModuleDict, KeepsNamesInTheirOrder) {
  ModuleDict dict;
  dict.add("up", Linear(2, 3));
  dict.add("down", Linear(3, 2, false));
  EXPECT_EQ(names(dict), (std::vector<std::string>{"up.weight", "up.bias", "down.weight"}));
  EXPECT_EQ(dict["down"](dict["up"](ones({1, 2}))).shape(), (Shape{1, 2}));
  EXPECT_TRUE(dict.contains("up"));
  EXPECT_FALSE(dict.contains("left"));
  expect_error<UsageError>([&] { dict["left"]; }, "ModuleDict: no module 'left' (want one of 'up', 'down')");
  expect_error<UsageError>([&] { dict.add("up", Tanh()); }, "ModuleDict: the name 'up' comes twice");
  expect_error<UsageError>([&] { dict.add("a.b", Tanh()); }, "ModuleDict: the name 'a.b' (want one without dots)");
}

TEST(Functional, IsAFunctionWhereAModuleIsWanted) {
  Sequential net(Linear(3, 4), Functional(relu), Functional([](const Tensor& x) { return x * 2; }, "twice"));
  const Tensor x = randn({2, 3});
  auto& first = dynamic_cast<Linear&>(net[0]);
  EXPECT_TRUE(allclose(net(x), relu(first(x)) * 2));
  EXPECT_EQ(to_string(net), "Sequential(\n  (0): Linear(3, 4)\n  (1): Functional\n  (2): twice\n)");
  expect_error<UsageError>([] { Functional{Functional::Function()}; },
                           "Functional: no function (want one that can be called)");
}

TEST(Unflatten, SplitsAnAxis) {
  const Tensor x = randn({2, 12, 5});
  EXPECT_EQ(Unflatten(1, {3, 4})(x).shape(), (Shape{2, 3, 4, 5}));
  EXPECT_EQ(Unflatten(-2, {3, -1, 2})(x).shape(), (Shape{2, 3, 2, 2, 5}));
  EXPECT_TRUE(equal(flatten(Unflatten(1, {3, 4})(x), 1, 2), x));
  EXPECT_EQ(Unflatten(1, {0, -1})(zeros({2, 0})).shape(), (Shape{2, 0, 1}));
  expect_error<ShapeError>(
      [&] {
        Unflatten(1, {5, -1})(x);
      },
      "Unflatten: axis 1 of [2, 12, 5] as [5, -1] (want sizes whose product is 12, one of them may "
      "be -1)");
  EXPECT_EQ(Unflatten(1, {3, 4}).describe(), "Unflatten(1, [3, 4])");
}

TEST(Residual, AddsTheInput) {
  manual_seed(1);
  Residual same(Sequential(Linear(3, 3), Tanh()));
  const Tensor x = randn({2, 3});
  Module& body = *same.named_modules()[1].second;
  EXPECT_EQ(same(x).to_vector<float>(), (body(x) + x).to_vector<float>());
  EXPECT_EQ(names(same), (std::vector<std::string>{"body.0.weight", "body.0.bias"}));
  Residual wider(Linear(3, 5), Linear(3, 5, false));
  EXPECT_EQ(names(wider), (std::vector<std::string>{"body.weight", "body.bias", "shortcut.weight"}));
  EXPECT_EQ(wider(x).shape(), (Shape{2, 5}));
  Residual narrow(Linear(3, 1));
  expect_error<ShapeError>([&] { narrow(x); },
                           "Residual: the body gives [2, 1], the shortcut [2, 3] (want the same shape)");
}

TEST(Residual, PassesGradcheck) {
  manual_seed(2);
  Residual module(Sequential(Linear(3, 4), Mish(), Linear(4, 3)));
  module.to(f64);
  EXPECT_TRUE(passes(
      gradcheck([&](std::span<const Tensor> in) { return module(in[0]); }, {randn({2, 3}, f64).requires_grad_()})));
}

TEST(Module, VisitsTheModulesOfAType) {
  Sequential net(Linear(2, 2), Sequential(Tanh(), Linear(2, 2, false)));
  int seen = 0;
  apply_to<Linear>(net, [&](Linear& layer) {
    init::constant_(layer.weight, 3);
    ++seen;
  });
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(net.parameters()[2].to_vector<float>(), std::vector<float>(4, 3));
}

TEST(Module, FreezesAPart) {
  Sequential net(Linear(2, 2), Linear(2, 2));
  net[0].requires_grad_(false);
  sum(net(ones({1, 2}))).backward();
  EXPECT_FALSE(net.parameters()[0].grad().defined());
  EXPECT_TRUE(net.parameters()[2].grad().defined());
}

TEST(Module, AddsUpTheGradientsOfAParameterInTwoPlaces) {
  Linear layer(2, 2);
  Sequential net(layer, layer);  // copies share their parameters
  EXPECT_EQ(net.parameters().size(), 2u);
  sum(net(ones({1, 2}))).backward();
  // The same with parameters of their own in each place.
  Linear first = deep_copy(layer), second = deep_copy(layer);
  sum(second(first(ones({1, 2})))).backward();
  const auto both = layer.weight.grad().to_vector<float>();
  const auto sums = (first.weight.grad() + second.weight.grad()).to_vector<float>();
  for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_FLOAT_EQ(both[i], sums[i]);
  net.to(f64);
  EXPECT_EQ(net.parameters().size(), 2u);  // still shared
}

}  // namespace
}  // namespace dagrad::nn
