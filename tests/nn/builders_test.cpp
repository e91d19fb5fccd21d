// Models in one line: what they consist of, and that they learn.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/adam.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

std::vector<std::string> layers_of(Module& net) {
  std::vector<std::string> layers;
  for (const auto& [name, module] : net.named_modules()) {
    if (!name.empty()) layers.push_back(module->describe());
  }
  return layers;
}

using Lines = std::vector<std::string>;

TEST(Mlp, PutsNormActivationAndDropoutBetweenItsLayers) {
  Sequential before = mlp({6, 5, 4, 3}, {.activation = ActivationKind::gelu, .norm = NormKind::batch, .dropout = 0.25});
  EXPECT_EQ(layers_of(before),
            (Lines{"Linear(6, 5, bias=false)", "BatchNorm1d(5)", "GELU", "Dropout(0.25)", "Linear(5, 4, bias=false)",
                   "BatchNorm1d(4)", "GELU", "Dropout(0.25)", "Linear(4, 3)"}));
  Sequential behind =
      mlp({6, 5, 3},
          {.activation = ActivationKind::prelu, .norm = NormKind::layer, .norm_place = NormPlace::after_activation});
  EXPECT_EQ(layers_of(behind), (Lines{"Linear(6, 5)", "PReLU(5)", "LayerNorm([5])", "Linear(5, 3)"}));
  Sequential plain = mlp({6, 5, 3}, {.activation = ActivationKind::none});
  EXPECT_EQ(layers_of(plain), (Lines{"Linear(6, 5)", "Linear(5, 3)"}));
  expect_error<UsageError>([] { mlp({3}); }, "mlp: 1 widths (want at least two: in and out)");
  expect_error<UsageError>([] { mlp({6, 5, 3}, {.dropout = -0.5}); }, "Dropout: p is -0.5 (want 0 <= p <= 1)");
  expect_error<UsageError>(
      [] {
        mlp({6, 5, 3}, {.norm = NormKind::instance});
      },
      "make_norm: instance without spatial axes (want batch, layer, group or rms for [N, "
      "channels])");
}

TEST(ActivationKind, NamesEveryActivation) {
  manual_seed(1);
  const Tensor x = randn({4, 3}) * 3.0;
  for (const std::string& name : activation_names()) {
    const ActivationKind kind = activation_kind(name);
    EXPECT_EQ(name_of(kind), name);
    const AnyModule module = make_activation(kind, 3);
    EXPECT_EQ(module(x).shape(), x.shape()) << name;
    if (kind == ActivationKind::none) continue;
    EXPECT_NE(module(x).to_vector<float>(), x.to_vector<float>()) << name;
  }
  EXPECT_EQ(activation_names().size(), 18u);
  EXPECT_EQ(activation_kind("LeakyReLU"), ActivationKind::leaky_relu);
  EXPECT_EQ(activation_kind("hardtanh"), ActivationKind::hard_tanh);
  EXPECT_EQ(activation_kind("swish"), ActivationKind::silu);
  expect_error_with<UsageError>([] { activation_kind("rleu"); },
                                "activation: 'rleu' is not known (want one of none, relu, leaky_relu, ");
}

/// The root mean square of the elements.
double deviation(const Tensor& t) { return std::sqrt(mean(square(t)).item<double>()); }

TEST(InitKind, NamesEveryInitialisation) {
  manual_seed(2);
  // The deviation that each draws in a layer of 200 inputs and 300 outputs.
  const std::vector<std::pair<std::string, double>> wanted{
      {"zeros", 0},
      {"constant", 0.1},
      {"constant:0.7", 0.7},
      {"normal", 0.01},
      {"normal:0.5", 0.5},
      {"truncated_normal", 0.02 * 0.8796},
      {"uniform", 1 / std::sqrt(600.0)},
      {"uniform:0.3", 0.3 / std::sqrt(3.0)},
      {"xavier", std::sqrt(2.0 / 500)},
      {"xavier_normal", std::sqrt(2.0 / 500)},
      {"xavier_fan_in", std::sqrt(1.0 / 200)},
      {"he", std::sqrt(2.0 / 200)},
      {"he_uniform", std::sqrt(2.0 / 200)},
      {"he_normal_fan_out", std::sqrt(2.0 / 300)},
      {"he_uniform_fan_out", std::sqrt(2.0 / 300)},
      {"lecun", std::sqrt(1.0 / 200)},
      {"lecun_uniform", std::sqrt(1.0 / 200)},
      {"orthogonal:1", std::sqrt(1.0 / 300)},  // 200 columns of length 1
  };
  for (const auto& [name, std] : wanted) {
    Sequential net(Linear(200, 300));
    initialise(net, weight_init(name));
    EXPECT_NEAR(deviation(net.parameters()[0]), std, 0.02 * std) << name;
    EXPECT_EQ(deviation(net.parameters()[1]), 0) << name;
    EXPECT_TRUE(net.parameters()[0].requires_grad());
  }
  Sequential net(Linear(200, 300));
  const Tensor before = clone(net.parameters()[1]);
  initialise(net, InitKind::standard);
  EXPECT_EQ(net.parameters()[1].to_vector<float>(), before.to_vector<float>());
  for (const std::string& name : init_names()) EXPECT_EQ(name_of(init_kind(name)), name);
  expect_error_with<UsageError>([] { weight_init("normel"); }, "init: 'normel' is not known (want one of standard, ");
  expect_error<UsageError>([] { weight_init("normal:"); }, "init: '' in 'normal:' (want a number)");
  expect_error<UsageError>([] { weight_init("normal:-1"); },
                           "init: normal with the value -1 (want a finite number above 0)");
  expect_error<UsageError>([] { weight_init("he:2"); },
                           "init: he_normal with the value 2 (want none: constant, normal, truncated_normal, uniform "
                           "and orthogonal take one)");
}

TEST(InitKind, TakesHesGainFromTheActivation) {
  manual_seed(3);
  const auto drawn = [](ActivationKind activation) {
    Tensor weight = empty({400, 400});
    initialise_(weight, InitKind::he_normal, activation);
    return deviation(weight) * 20;
  };
  EXPECT_NEAR(drawn(ActivationKind::relu), std::sqrt(2.0), 0.02);
  EXPECT_NEAR(drawn(ActivationKind::tanh), 5.0 / 3, 0.02);
  EXPECT_NEAR(drawn(ActivationKind::selu), 0.75, 0.01);
  EXPECT_NEAR(drawn(ActivationKind::none), 1, 0.01);
}

TEST(InitKind, TreatsTheGatesOfARecurrentLayerOneByOne) {
  manual_seed(4);
  LSTM net(6, 8);
  initialise(net, InitKind::orthogonal, ActivationKind::tanh);
  for (int gate = 0; gate < 4; ++gate) {
    const Tensor block = narrow(net.weights[0].weight_hh, 0, 8 * gate, 8).detach();
    const Tensor off = matmul(block, transpose(block)) - eye(8) * (25.0 / 9);
    EXPECT_LT(max(abs(off)).item<float>(), 1e-5) << gate;
  }
  EXPECT_EQ(deviation(net.weights[0].bias_hh), 0);
}

TEST(Cnn, IsBuiltOfBlocks) {
  Sequential net =
      cnn({1, 12, 12}, {4, 8}, 10, {.convolutions = 2, .norm = NormKind::batch, .hidden = {32}, .dropout = 0.5});
  EXPECT_EQ(layers_of(net), (Lines{"Conv2d(1, 4, kernel=3x3, padding=1, bias=false)",
                                   "BatchNorm2d(4)",
                                   "ReLU",
                                   "Conv2d(4, 4, kernel=3x3, padding=1, bias=false)",
                                   "BatchNorm2d(4)",
                                   "ReLU",
                                   "MaxPool2d(kernel=2)",
                                   "Conv2d(4, 8, kernel=3x3, padding=1, bias=false)",
                                   "BatchNorm2d(8)",
                                   "ReLU",
                                   "Conv2d(8, 8, kernel=3x3, padding=1, bias=false)",
                                   "BatchNorm2d(8)",
                                   "ReLU",
                                   "MaxPool2d(kernel=2)",
                                   "Flatten",
                                   "Dropout(0.5)",
                                   "Linear(72, 32)",
                                   "ReLU",
                                   "Dropout(0.5)",
                                   "Linear(32, 10)"}));
  EXPECT_EQ(net(randn({3, 1, 12, 12})).shape(), (Shape{3, 10}));
}

TEST(Cnn, DropsChannelsBehindEachBlock) {
  manual_seed(4);
  Sequential net = cnn({1, 12, 12}, {4, 8}, 10, {.dropout = 0.5, .channel_dropout = 0.25});
  EXPECT_EQ(layers_of(net),
            (Lines{"Conv2d(1, 4, kernel=3x3, padding=1)", "ReLU", "MaxPool2d(kernel=2)", "Dropout2d(0.25)",
                   "Conv2d(4, 8, kernel=3x3, padding=1)", "ReLU", "MaxPool2d(kernel=2)", "Dropout2d(0.25)", "Flatten",
                   "Dropout(0.5)", "Linear(72, 10)"}));
  // In training a channel is there as a whole or not at all; in evaluation all of them are.
  Sequential blocks = cnn({1, 4, 4}, {64}, 2, {.channel_dropout = 0.5});
  const Tensor x = ones({1, 1, 4, 4});
  Tensor y = x;
  for (std::size_t i = 0; i < 4; ++i) y = blocks[i](y);
  blocks.eval();
  Tensor all = x;
  for (std::size_t i = 0; i < 4; ++i) all = blocks[i](all);
  const auto dropped = y.to_vector<float>(), kept = all.to_vector<float>();
  std::int64_t channels = 0;
  for (std::size_t c = 0; c < 64; ++c) {
    const bool there =
        std::any_of(dropped.begin() + 4 * static_cast<std::ptrdiff_t>(c),
                    dropped.begin() + 4 * static_cast<std::ptrdiff_t>(c + 1), [](float v) { return v != 0; });
    for (std::size_t i = 4 * c; i < 4 * c + 4; ++i) EXPECT_EQ(dropped[i], there ? 2 * kept[i] : 0);
    channels += there ? 1 : 0;
  }
  EXPECT_GT(channels, 4);
  EXPECT_LT(channels, 60);
  expect_error<UsageError>(
      [] {
        cnn({1, 4, 4}, {2}, 2, {.channel_dropout = 1.5});
      },
      "cnn: channel_dropout is 1.5 (want 0 <= p <= 1)");
  expect_error<UsageError>(
      [] {
        cnn({1, 4, 4}, {2}, 2, {.dropout = -0.5});
      },
      "cnn: dropout is -0.5 (want 0 <= p <= 1)");
}

TEST(Cnn, TakesEveryNormPoolingHeadAndKernel) {
  manual_seed(5);
  for (const NormKind norm : {NormKind::none, NormKind::batch, NormKind::layer, NormKind::group, NormKind::instance}) {
    for (const PoolKind pool : {PoolKind::none, PoolKind::max, PoolKind::avg}) {
      for (const CnnHead head : {CnnHead::flatten, CnnHead::global_average}) {
        for (const std::int64_t kernel : {1, 2, 3, 5}) {
          Sequential net = cnn({3, 11, 9}, {4, 8}, 5, {.kernel = kernel, .norm = norm, .pool = pool, .head = head});
          EXPECT_EQ(net(randn({2, 3, 11, 9})).shape(), (Shape{2, 5}))
              << name_of(norm) << " " << static_cast<int>(pool) << " " << static_cast<int>(head) << " " << kernel;
        }
      }
    }
  }
  expect_error<ShapeError>(
      [] {
        cnn({1, 4, 4}, {2, 2, 2}, 10);
      },
      "cnn: nothing is left of [1, 4, 4] behind 2 channels (want fewer blocks or less pooling)");
  expect_error<UsageError>(
      [] {
        cnn({1, 4, 4}, {2}, 10, {.dropout = std::nan("")});
      },
      "cnn: dropout is nan (want 0 <= p <= 1)");
  expect_error<ShapeError>([] { cnn({28, 28}, {2}, 10); }, "cnn: image is [28, 28] (want [C, H, W])");
  expect_error<UsageError>([] { cnn({1, 28, 28}, {}, 10); }, "cnn: no blocks (want the channels of at least one)");
}

TEST(RecurrentClassifier, ReadsSequencesAndImages) {
  manual_seed(6);
  for (const std::string& name : recurrent_names()) {
    for (const bool both : {false, true}) {
      RecurrentClassifier net(
          6, 3, {.kind = recurrent_kind(name), .hidden = 5, .layers = 2, .bidirectional = both, .dropout = 0.1});
      net.eval();
      const Tensor images = randn({4, 2, 7, 3});
      const Tensor rows = reshape(permute(images, {0, 2, 1, 3}), {4, 7, 6});
      EXPECT_EQ(net(images).shape(), (Shape{4, 3})) << name;
      EXPECT_EQ(net(images).to_vector<float>(), net(rows).to_vector<float>()) << name;
    }
  }
  RecurrentClassifier net(6, 3, {.kind = RecurrentKind::gru, .hidden = 5});
  EXPECT_EQ(net.named_parameters()[0].first, "recurrent.weight_ih_l0");
  EXPECT_EQ(net.named_parameters()[4].first, "linear.weight");
  expect_error<ShapeError>(
      [&] {
        net(zeros({4, 7, 5}));
      },
      "RecurrentClassifier: x is [4, 7, 5] (want [N, T, 6], or images [N, C, H, W] with C W == 6)");
}

TEST(RecurrentClassifier, LooksAtTheStateBehindTheLastStepOfEachSequence) {
  manual_seed(7);
  RecurrentClassifier net(2, 3, {.hidden = 4, .bidirectional = true});
  const Tensor x = randn({2, 6, 2});
  const Tensor padded = net(x, {.lengths = tensor({4, 6}, i64)});
  EXPECT_EQ(select(padded, 0, 1).to_vector<float>(), select(net(x), 0, 1).to_vector<float>());
  const auto alone = select(net(narrow(x, 1, 0, 4)), 0, 0).to_vector<float>();
  const auto beside = select(padded, 0, 0).to_vector<float>();
  for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_NEAR(beside[i], alone[i], 1e-6);
}

TEST(Builders, MakeModelsThatLearn) {
  manual_seed(8);
  // The class is the quadrant that holds the bright pixel.
  const std::int64_t n = 64;
  Tensor x = zeros({n, 1, 8, 8}), y = zeros({n}, i64);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t row = i / 8, column = i % 8;
    x.mutable_data<float>()[i * 64 + row * 8 + column] = 1;
    y.mutable_data<std::int64_t>()[i] = row / 4 * 2 + column / 4;
  }
  const auto learns = [&](Module& net, const char* what) {
    optim::Adam adam(net.parameters(), {.lr = 0.02});
    for (int step = 0; step < 80; ++step) {
      adam.zero_grad();
      cross_entropy(net(x), y).backward();
      adam.step();
    }
    net.eval();
    EXPECT_EQ(argmax(net(x), 1).to_vector<std::int64_t>(), y.to_vector<std::int64_t>()) << what;
  };
  Sequential flat(Flatten(), mlp({64, 32, 4}, {.norm = NormKind::batch, .init = InitKind::he_normal}));
  learns(flat, "mlp");
  Sequential convolving = cnn({1, 8, 8}, {8}, 4, {.norm = NormKind::batch});
  learns(convolving, "cnn");
  RecurrentClassifier recurring(8, 4, {.hidden = 16});
  learns(recurring, "lstm");
}

}  // namespace
}  // namespace dagrad::nn
