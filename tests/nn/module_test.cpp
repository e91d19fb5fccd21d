#include "dagrad/nn/module.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/node.h"
#include "dagrad/nn/class_name.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

struct Net : Module {
  Linear first{4, 3}, second{3, 2, false};
  Tensor mean = zeros({4});

  void parts(Parts& p) override {
    p.module("first", first);
    p.module("second", second);
    p.buffer("mean", mean);
  }
  Tensor forward(const Tensor& x) override { return second(relu(first(x - mean))); }
};

std::vector<std::string> names(const std::vector<Module::Named>& named) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : named) result.push_back(name);
  return result;
}

template <int kSize>
struct Block : Module {
  struct Inner : Module {};
  Inner inner;

  void parts(Parts& p) override { p.module("inner", inner); }
};

TEST(Module, PrintsTheNameOfItsClass) {
  struct Local : Module {};
  EXPECT_EQ(to_string(Module()), "Module");
  EXPECT_EQ(to_string(Local()), "Local");
  EXPECT_EQ(to_string(Block<3>()), "Block(\n  (inner): Inner\n)");
  EXPECT_EQ(last_name("a::Net<std::vector<int>, 'b::c'>"), "Net");
  EXPECT_EQ(last_name("f(std::function<void (a::B)>)::{lambda()#1}::operator()() const::Net"), "Net");
}

TEST(Module, NamesItsParametersAndBuffers) {
  const Net net;
  EXPECT_EQ(names(net.named_parameters()), (std::vector<std::string>{"first.weight", "first.bias", "second.weight"}));
  EXPECT_EQ(names(net.named_buffers()), std::vector<std::string>{"mean"});
  EXPECT_EQ(net.parameter_count(), 4 * 3 + 3 + 3 * 2);
}

TEST(Module, IsNamedInErrorsOfItsOps) {
  Net net;
  net.name_parameters();
  const Tensor y = net(ones({1, 4}));
  EXPECT_EQ(y.node()->module(), "second");
  {
    const NoGrad guard;
    net.second.weight.fill_(1);
  }
  const auto says = [&](const char* part) { expect_error_with<GradientError>([&] { sum(y).backward(); }, part); };
  says(" in module 'second', its input 1 'second.weight' f32 [2, 3], was modified in place by 'fill_' at ");
  const AnomalyMode guard;
  expect_error_with<GradientError>([&] { net(full({1, 4}, NAN)); }, "'sub' at ");
  net.first.bias.detach().fill_(NAN);
  expect_error_with<GradientError>([&] { net(ones({1, 4})); }, " in module 'first' gave nan at index [0, 0]");
  expect_error_with<GradientError>([&] { net(ones({1, 4})); }, "; input 2 'first.bias' f32 [3] with nan at [0]");
}

TEST(Module, IsNamedByErrorsInsideOfIt) {
  struct Outer : Module {
    Net net;
    Sequential tail{Linear(2, 3), ReLU(), Linear(4, 1)};

    void parts(Parts& p) override {
      p.module("net", net);
      p.module("tail", tail);
    }
    Tensor forward(const Tensor& x) override { return tail(net(x)); }
  };
  Outer outer;
  expect_error<ShapeError>(
      [&] {
        outer(zeros({1, 4}));
      },
      "linear: inner sizes differ: src is [1, 3], weights are [1, 4] (want src.size(-1) == 4), in "
      "'tail.2' Linear(4, 1) of Outer");
  expect_error<ShapeError>(
      [&] {
        outer.net(zeros({1, 3}));
      },
      "sub: shapes do not broadcast: [1, 3] and [4] (want equal sizes or 1 at axis -1: got 3 and "
      "4), in Net");
  expect_error<DTypeError>(
      [&] {
        outer.tail(zeros({1, 2}, f64));
      },
      "linear: element types differ: f64 and f32 (want one type; cast with to()), in '0' Linear(2, "
      "3) of Sequential");
  expect_error<UsageError>([&] { Module()(zeros({1})); },
                           "Module: forward(x) is not defined (want a module that overrides it)");
}

TEST(Module, ThatCatchesAnErrorIsNotNamedByTheNext) {
  struct Careful : Module {
    Linear layer{2, 2};

    void parts(Parts& p) override { p.module("layer", layer); }
    Tensor forward(const Tensor& x) override {
      try {
        return layer(x);
      } catch (const ShapeError&) {
        return x + zeros({7});
      }
    }
  };
  Careful careful;
  expect_error<ShapeError>(
      [&] {
        careful(zeros({1, 3}));
      },
      "add: shapes do not broadcast: [1, 3] and [7] (want equal sizes or 1 at axis -1: got 3 and "
      "7), in Careful");
}

TEST(Module, LeavesOtherTypesOfErrorsAlone) {
  struct Own : ShapeError {
    using ShapeError::ShapeError;
  };
  struct Thrower : Module {
    Tensor forward(const Tensor&) override { throw Own("mine"); }
  };
  Thrower thrower;
  expect_error<Own>([&] { thrower(zeros({1})); }, "mine");
}

TEST(Module, WithoutANameGoesByItsDescriptionInAnomalyMode) {
  Net net;
  net.first.bias.detach().fill_(NAN);
  const AnomalyMode guard;
  expect_error_with<GradientError>([&] { net(ones({1, 4})); }, " in module 'Linear(4, 3)' gave nan at index [0, 0]");
  Sequential fused(Linear(4, 2), ReLU());
  fused[0].parameters()[1].detach().fill_(NAN);
  expect_error_with<GradientError>([&] { fused(ones({1, 4})); }, " in module 'Linear(4, 2)' gave nan at index [0, 0]");
}

TEST(Module, PrintsAsATree) {
  EXPECT_EQ(to_string(Net()), "Net(\n  (first): Linear(4, 3)\n  (second): Linear(3, 2, bias=false)\n)");
  EXPECT_EQ(to_string(ReLU()), "ReLU");
}

TEST(Module, SharesParametersWhenCopiedAndSeparatesThemWhenAsked) {
  Net net;
  const Net shared = net;
  const Net own = deep_copy(net);
  EXPECT_TRUE(shared.first.weight.is_same(net.first.weight));
  EXPECT_FALSE(own.first.weight.is_same(net.first.weight));
  EXPECT_EQ(own.first.weight.to_vector<float>(), net.first.weight.to_vector<float>());
  EXPECT_TRUE(own.first.weight.requires_grad());
}

TEST(Module, CountsASharedParameterOnce) {
  struct Tied : Module {
    Linear a{3, 3}, b{3, 3};
    Tied() { b.weight = a.weight; }
    void parts(Parts& p) override {
      p.module("a", a);
      p.module("b", b);
    }
  };
  Tied tied;
  EXPECT_EQ(names(tied.named_parameters()), (std::vector<std::string>{"a.weight", "a.bias", "b.bias"}));
  const Tied copy = deep_copy(tied);
  EXPECT_TRUE(copy.a.weight.is_same(copy.b.weight));  // what was shared stays shared
  EXPECT_FALSE(copy.a.weight.is_same(tied.a.weight));
}

TEST(Module, FreezesAndConverts) {
  Net net;
  net.requires_grad_(false);
  EXPECT_FALSE(net.first.weight.requires_grad());
  net.requires_grad_();
  net.to(f64);
  EXPECT_EQ(net.first.weight.dtype(), f64);
  EXPECT_TRUE(net.first.weight.requires_grad());
  EXPECT_EQ(net(zeros({5, 4}, f64)).shape(), (Shape{5, 2}));
}

TEST(Module, SetsTheModeOfAllInside) {
  Sequential net(Linear(2, 2), Sequential(Dropout(0.5)));
  net.eval();
  EXPECT_FALSE(static_cast<Sequential&>(net[1])[0].is_training());
  net.train();
  EXPECT_TRUE(static_cast<Sequential&>(net[1])[0].is_training());
}

TEST(Module, SaysWhenItHasNoForward) {
  Module module;
  expect_error<UsageError>([&] { module(zeros({1})); },
                           "Module: forward(x) is not defined (want a module that overrides it)");
}

TEST(Sequential, NamesByPositionAndCopiesTypes) {
  Sequential net(Linear(2, 3), Tanh(), Linear(3, 1));
  EXPECT_EQ(names(net.named_parameters()), (std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias"}));
  Sequential copy = deep_copy(net);
  EXPECT_NE(dynamic_cast<Linear*>(&copy[0]), nullptr);
  const Tensor x = ones({4, 2});
  EXPECT_EQ(copy(x).to_vector<float>(), net(x).to_vector<float>());
  EXPECT_FALSE(copy.parameters()[0].is_same(net.parameters()[0]));
  expect_error<UsageError>([&] { net[3]; }, "Sequential: index 3 (want below 3)");
}

TEST(Dropout, OfChannelsDropsAllOfThemOrNothing) {
  manual_seed(3);
  Dropout2d layer(0.5);
  const Tensor x = ones({4, 8, 3, 3});
  const auto y = layer(x).to_vector<float>();
  int kept = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    EXPECT_EQ(y[i], y[i - i % 9]) << "element " << i << " is not as the first of its channel";
    if (i % 9 == 0 && y[i] != 0) ++kept;
  }
  EXPECT_GT(kept, 6);
  EXPECT_LT(kept, 26);
  layer.eval();
  EXPECT_TRUE(layer(x).is_same(x));
  EXPECT_EQ(Dropout1d(0.25).describe(), "Dropout1d(0.25)");
}

TEST(Dropout, OfSeluKeepsMeanAndVariance) {
  manual_seed(3);
  AlphaDropout layer(0.2);
  const auto y = layer(randn({100'000})).to_vector<float>();
  double mean = 0, squares = 0;
  for (const float v : y) {
    mean += v / 1e5;
    squares += v * v / 1e5;
  }
  EXPECT_NEAR(mean, 0, 5 / std::sqrt(1e5));  // five standard errors
  EXPECT_NEAR(squares, 1, 0.05);
}

TEST(Dropout, ActsInTrainingOnly) {
  manual_seed(3);
  Dropout layer(0.5);
  const Tensor x = ones({1000});
  EXPECT_NE(layer(x).to_vector<float>(), x.to_vector<float>());
  layer.eval();
  EXPECT_EQ(layer(x).to_vector<float>(), x.to_vector<float>());
  expect_error<UsageError>([] { Dropout(2); }, "Dropout: p is 2 (want 0 <= p <= 1)");
}

TEST(Summary, ListsLayersShapesAndCounts) {
  Sequential net(Flatten(), Linear(784, 128), ReLU(), Linear(128, 10));
  EXPECT_EQ(summary(net, {64, 1, 28, 28}),
            "name  layer             output       parameters\n"
            "-----------------------------------------------\n"
            "0     Flatten           [64, 784]             0\n"
            "1     Linear(784, 128)  [64, 128]       100,480\n"
            "2     ReLU              [64, 128]             0\n"
            "3     Linear(128, 10)   [64, 10]          1,290\n"
            "input [64, 1, 28, 28]; 101,770 parameters, 101,770 of them trained\n");
  EXPECT_TRUE(net.is_training());
}

}  // namespace
}  // namespace dagrad::nn
