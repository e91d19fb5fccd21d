// Every module, within a small model: its gradients against finite differences, in training and in evaluation mode.
#include <cxxabi.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <typeinfo>

#include "dagrad/core/creation.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"

namespace dagrad::nn {
namespace {

/// A model and the shape that it takes.
struct Case {
  AnyModule model;
  Shape input;
  bool deaf = false;  ///< some parameter has no effect, such as a bias in front of a norm
};

/// Modules that take more than one floating tensor, as models of one.
struct WithEmbedding : Module {
  Embedding table{5, 3, {.padding_idx = 1}};
  Linear last{3, 2};
  Tensor index = tensor({0, 4, 2, 3, 0, 2}, {2, 3}, i64);

  void parts(Parts& p) override {
    p.module("table", table);
    p.module("last", last);
  }
  Tensor forward(const Tensor& x) override { return tanh(last(table(index) * x)); }
};

struct WithBilinear : Module {
  Linear left{3, 2}, right{3, 4};
  Bilinear both{2, 4, 3};

  void parts(Parts& p) override {
    p.module("left", left);
    p.module("right", right);
    p.module("both", both);
  }
  Tensor forward(const Tensor& x) override { return both(tanh(left(x)), tanh(right(x))); }
};

/// Two steps of each cell over x [2, N, 3].
struct WithCells : Module {
  RNNCell plain{3, 2};
  LSTMCell long_short{2, 3};
  GRUCell gated{3, 2};

  void parts(Parts& p) override {
    p.module("plain", plain);
    p.module("long_short", long_short);
    p.module("gated", gated);
  }
  Tensor forward(const Tensor& x) override {
    Tensor a, c;
    LstmCellState b;
    for (int step = 0; step < 2; ++step) {
      a = plain(select(x, 0, step), a);
      b = long_short(a, b);
      c = gated(b.h, c);
    }
    return c;
  }
};

struct WithListAndDict : Module {
  ModuleList list{{Linear(3, 4), Tanh()}};
  ModuleDict dict;

  WithListAndDict() { dict.add("last", Linear(4, 2)); }
  void parts(Parts& p) override {
    p.module("list", list);
    p.module("dict", dict);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (const AnyModule& part : list) y = part(y);
    return dict["last"](y);
  }
};

Sequential between(AnyModule module) {
  Sequential net(Linear(3, 4));
  net.add(std::move(module));
  net.add(Linear(4, 2));
  return net;
}

/// A pooling between a convolution and a linear layer, for images [2, 1, 5, ...].
template <class Pool, class Conv>
Sequential pooled(Pool pool, Conv conv, std::int64_t features) {
  return Sequential(std::move(conv), Tanh(), std::move(pool), Flatten(), Linear(features, 2));
}

/// With tensors, which it has none of otherwise.
const InstanceNormLayerOptions kTracking{.affine = true, .track_running_stats = true};

std::map<std::string, std::function<Case()>> cases() {
  std::map<std::string, std::function<Case()>> all;
  for (const std::string& name : activation_names()) {
    all["activation_" + name] = [name] { return Case{between(make_activation(activation_kind(name), 4)), {3, 3}}; };
  }
  all["softmax"] = [] { return Case{Sequential(Linear(3, 4), Softmax(), Linear(4, 3), LogSoftmax()), {2, 3}}; };
  all["dropout"] = [] { return Case{Sequential(Linear(3, 8), Tanh(), Dropout(0.4), Linear(8, 2)), {3, 3}}; };
  all["dropout_of_channels"] = [] {
    return Case{Sequential(Conv1d(1, 3, 2), Dropout1d(0.4), Tanh(), Flatten(), Linear(9, 2)), {2, 1, 4}};
  };
  all["dropout_of_channels_2d"] = [] {
    return Case{Sequential(Conv2d(1, 3, 2), Dropout2d(0.4), Tanh(), Flatten(), Linear(12, 2)), {2, 1, 3, 3}};
  };
  all["dropout_of_channels_3d"] = [] {
    return Case{Sequential(Conv3d(1, 3, 2), Dropout3d(0.4), Tanh(), Flatten(), Linear(6, 2)), {2, 1, 2, 2, 3}};
  };
  all["alpha_dropout"] = [] { return Case{Sequential(Linear(3, 8), SELU(), AlphaDropout(0.3), Linear(8, 2)), {3, 3}}; };
  all["feature_scaler"] = [] {
    return Case{Sequential(FeatureScaler::standardise(randn({9, 3})), Linear(3, 2), Tanh()), {2, 3}};
  };
  all["residual"] = [] { return Case{Residual(Sequential(Linear(3, 3), Tanh(), Linear(3, 3)), Linear(3, 3)), {2, 3}}; };
  all["ensemble"] = [] {
    return Case{Ensemble({Linear(3, 2), Sequential(Linear(3, 2), Tanh())}, EnsembleOf::probabilities), {2, 3}};
  };
  all["lists"] = [] { return Case{WithListAndDict(), {2, 3}}; };
  all["embedding"] = [] { return Case{WithEmbedding(), {2, 3, 3}}; };
  all["bilinear"] = [] { return Case{WithBilinear(), {2, 3}}; };

  all["batch_norm_1d"] = [] { return Case{between(BatchNorm1d(4)), {5, 3}, true}; };
  all["batch_norm_1d_relu"] = [] {
    return Case{Sequential(Linear(3, 4, false), BatchNorm1d(4), ReLU(), Linear(4, 2)), {5, 3}};
  };
  all["batch_norm_2d"] = [] {
    return Case{Sequential(Conv2d({.in = 1, .out = 2, .kernel = 2, .bias = false}), BatchNorm2d(2), Tanh(), Flatten(),
                           Linear(8, 2)),
                {2, 1, 3, 3}};
  };
  all["batch_norm_3d"] = [] {
    return Case{Sequential(Conv3d({.in = 1, .out = 2, .kernel = 2, .bias = false}), BatchNorm3d(2), Tanh()),
                {2, 1, 2, 2, 3}};
  };
  all["layer_norm"] = [] { return Case{between(LayerNorm({4})), {3, 3}}; };
  all["rms_norm"] = [] { return Case{between(RMSNorm({4})), {3, 3}}; };
  all["group_norm"] = [] { return Case{between(GroupNorm(2, 4)), {3, 3}}; };
  all["instance_norm"] = [] {
    return Case{
        Sequential(Conv1d({.in = 1, .out = 2, .kernel = 2, .bias = false}), InstanceNorm1d(2, kTracking), Tanh()),
        {2, 1, 5}};
  };
  all["instance_norm_2d"] = [] {
    return Case{
        Sequential(Conv2d({.in = 1, .out = 2, .kernel = 2, .bias = false}), InstanceNorm2d(2, kTracking), Tanh()),
        {2, 1, 3, 3}};
  };
  all["instance_norm_3d"] = [] {
    return Case{
        Sequential(Conv3d({.in = 1, .out = 2, .kernel = 2, .bias = false}), InstanceNorm3d(2, kTracking), Tanh()),
        {2, 1, 2, 2, 3}};
  };
  all["weight_standardized"] = [] {
    return Case{Sequential(WeightStandardized<Conv1d>(2, 3, 2), Tanh(), Flatten(), WeightStandardized<Linear>(9, 2)),
                {2, 2, 4}};
  };

  all["conv_1d"] = [] {
    return Case{Sequential(Conv1d({.in = 2, .out = 4, .kernel = 3, .padding = Padding::same, .groups = 2}), Tanh(),
                           ConvTranspose1d({.in = 4, .out = 2, .kernel = 2, .stride = 2})),
                {2, 2, 4}};
  };
  all["conv_2d"] = [] {
    return Case{Sequential(Conv2d({.in = 1, .out = 2, .kernel = {2, 3}, .stride = {2, 1}, .padding = {0, 1}}), Tanh(),
                           ConvTranspose2d({.in = 2, .out = 1, .kernel = 2, .dilation = 2})),
                {1, 1, 4, 3}};
  };
  all["conv_3d"] = [] {
    return Case{Sequential(Conv3d(1, 2, 2), Tanh(), ConvTranspose3d({.in = 2, .out = 1, .kernel = 2})),
                {1, 1, 2, 3, 2}};
  };
  all["max_pool_1d"] = [] { return Case{pooled(MaxPool1d(2), Conv1d(1, 2, 2), 4), {2, 1, 5}}; };
  all["max_pool_2d"] = [] { return Case{pooled(MaxPool2d(2), Conv2d(1, 2, 2), 8), {1, 1, 5, 5}}; };
  all["max_pool_3d"] = [] { return Case{pooled(MaxPool3d(2), Conv3d(1, 2, 2), 2), {1, 1, 3, 3, 3}}; };
  all["avg_pool_1d"] = [] { return Case{pooled(AvgPool1d(2), Conv1d(1, 2, 2), 4), {2, 1, 5}}; };
  all["avg_pool_2d"] = [] { return Case{pooled(AvgPool2d(2), Conv2d(1, 2, 2), 8), {1, 1, 5, 5}}; };
  all["avg_pool_3d"] = [] { return Case{pooled(AvgPool3d(2), Conv3d(1, 2, 2), 2), {1, 1, 3, 3, 3}}; };
  all["adaptive_avg_1d"] = [] { return Case{pooled(AdaptiveAvgPool1d(3), Conv1d(1, 2, 2), 6), {2, 1, 5}}; };
  all["adaptive_avg_2d"] = [] { return Case{pooled(AdaptiveAvgPool2d({3, 2}), Conv2d(1, 2, 2), 12), {1, 1, 5, 5}}; };
  all["adaptive_avg_3d"] = [] { return Case{pooled(AdaptiveAvgPool3d(1), Conv3d(1, 2, 2), 2), {1, 1, 3, 3, 3}}; };
  all["adaptive_max_1d"] = [] { return Case{pooled(AdaptiveMaxPool1d(3), Conv1d(1, 2, 2), 6), {2, 1, 5}}; };
  all["adaptive_max_2d"] = [] { return Case{pooled(AdaptiveMaxPool2d({3, 2}), Conv2d(1, 2, 2), 12), {1, 1, 5, 5}}; };
  all["adaptive_max_3d"] = [] { return Case{pooled(AdaptiveMaxPool3d(1), Conv3d(1, 2, 2), 2), {1, 1, 3, 3, 3}}; };
  all["global_avg_pool"] = [] {
    return Case{Sequential(Conv2d(1, 2, 2), Tanh(), GlobalAvgPool(), Linear(2, 2)), {1, 1, 4, 4}};
  };

  all["upsample"] = [] {
    return Case{pooled(Upsample({.scale_factor = {2}, .mode = InterpolateMode::bilinear}), Conv2d(1, 2, 2), 32),
                {1, 1, 3, 3}};
  };

  all["rnn"] = [] { return Case{RNN(3, 2, {.num_layers = 2, .dropout = 0.3}), {3, 2, 3}}; };
  all["lstm"] = [] { return Case{LSTM(3, 2, {.bidirectional = true}), {3, 2, 3}}; };
  all["gru"] = [] { return Case{GRU(3, 2, {.batch_first = true}), {2, 3, 3}}; };
  all["cells"] = [] { return Case{WithCells(), {2, 2, 3}}; };
  all["recurrent_classifier"] = [] {
    return Case{RecurrentClassifier(3, 2, {.hidden = 2, .bidirectional = true, .dropout = 0.2}), {2, 3, 3}};
  };
  // The keys' biases add the same to all scores of a query.
  all["attention"] = [] { return Case{MultiheadAttention(4, 2, {.dropout = 0.2}), {3, 2, 4}, true}; };
  all["transformer"] = [] {
    return Case{TransformerEncoder(4, 2, 1, {.dim_feedforward = 5, .dropout = 0.2, .activation = ActivationKind::tanh}),
                {3, 2, 4},
                true};
  };
  all["functional_and_unflatten"] = [] {
    return Case{Sequential(Linear(3, 4), Unflatten(1, {2, -1}), Functional(tanh), Flatten(), Linear(4, 2)), {2, 3}};
  };
  return all;
}

/// Has every random module draw the same again.
void rewind_dropout(Module& net) {
  for (const auto& [name, generator] : net.named_generators()) generator->manual_seed(3);
}

class EveryModule : public testing::TestWithParam<std::string> {};

TEST_P(EveryModule, PassesGradcheckInTrainingAndInEvaluation) {
  manual_seed(21);
  const Case one = cases().at(GetParam())();
  Module& net = *one.model;
  net.to(f64);
  net(randn(one.input, f64));  // so that running estimates are not those of the start
  std::vector<Tensor> inputs = net.parameters();
  inputs.push_back(randn(one.input, f64).requires_grad_());
  const auto f = [&](std::span<const Tensor> in) {
    rewind_dropout(net);
    return square(net(in.back()) + 0.5);
  };
  for (const bool training : {true, false}) {
    SCOPED_TRACE(training ? "training" : "evaluation");
    net.train(training);
    GradcheckOptions options{.max_elements = 12};
    options.allow_zero_jacobian = one.deaf;
    EXPECT_TRUE(passes(gradcheck(f, inputs, options)));
  }
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : cases()) names.push_back(name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Models, EveryModule, testing::ValuesIn(case_names()),
                         [](const auto& test) { return test.param; });

/// The classes that nn's headers derive from Module, directly or not.
std::set<std::string> classes_of_nn() {
  const std::regex pattern(R"((?:class|struct) (\w+)(?: final)? : public (\w+))");
  std::vector<std::pair<std::string, std::string>> derived;
  for (const auto& entry : std::filesystem::directory_iterator(DAGRAD_SOURCE_DIR "/nn")) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
      derived.emplace_back((*at)[1], (*at)[2]);
  }
  std::set<std::string> found{"Module"};
  for (std::size_t before = 0; before != found.size();) {
    before = found.size();
    for (const auto& [name, base] : derived) {
      if (found.count(base) > 0) found.insert(name);
    }
  }
  return found;
}

/// A module, and the names and shapes of its parameters and buffers in PyTorch (state_dict() of the module made with
/// the same arguments, as its documentation lists them under "Variables").
struct InPyTorch {
  AnyModule module;
  std::vector<std::string> state;
};

std::map<std::string, InPyTorch> names_in_pytorch() {
  const std::vector<std::string> batch_norm{"weight [3]", "bias [3]", "running_mean [3]", "running_var [3]",
                                            "num_batches_tracked []"};
  const auto gates = [](const char* count, const char* layer) {
    const auto name = [&](const char* what, const char* columns) {
      return fmt::format("{}{} [{}{}]", what, layer, count, columns);
    };
    return std::vector<std::string>{name("weight_ih", ", 3"), name("weight_hh", ", 2"), name("bias_ih", ""),
                                    name("bias_hh", "")};
  };
  return {
      {"Linear", {Linear(3, 2), {"weight [2, 3]", "bias [2]"}}},
      {"Bilinear", {Bilinear(2, 4, 3), {"weight [3, 2, 4]", "bias [3]"}}},
      {"Embedding", {Embedding(5, 3), {"weight [5, 3]"}}},
      {"PReLU", {PReLU(4), {"weight [4]"}}},
      {"Conv1d", {Conv1d(2, 4, 3), {"weight [4, 2, 3]", "bias [4]"}}},
      {"Conv2d", {Conv2d({.in = 2, .out = 4, .kernel = {3, 5}, .groups = 2}), {"weight [4, 1, 3, 5]", "bias [4]"}}},
      {"Conv3d", {Conv3d(2, 4, 3), {"weight [4, 2, 3, 3, 3]", "bias [4]"}}},
      {"ConvTranspose1d", {ConvTranspose1d({.in = 2, .out = 4, .kernel = 3}), {"weight [2, 4, 3]", "bias [4]"}}},
      {"ConvTranspose2d",
       {ConvTranspose2d({.in = 4, .out = 6, .kernel = {3, 5}, .groups = 2}), {"weight [4, 3, 3, 5]", "bias [6]"}}},
      {"ConvTranspose3d", {ConvTranspose3d({.in = 2, .out = 4, .kernel = 3}), {"weight [2, 4, 3, 3, 3]", "bias [4]"}}},
      {"BatchNorm1d", {BatchNorm1d(3), batch_norm}},
      {"BatchNorm2d", {BatchNorm2d(3), batch_norm}},
      {"BatchNorm3d", {BatchNorm3d(3), batch_norm}},
      {"InstanceNorm1d", {InstanceNorm1d(3, kTracking), batch_norm}},
      {"InstanceNorm2d", {InstanceNorm2d(3, kTracking), batch_norm}},
      {"InstanceNorm3d", {InstanceNorm3d(3, kTracking), batch_norm}},
      {"LayerNorm", {LayerNorm({4, 5}), {"weight [4, 5]", "bias [4, 5]"}}},
      {"GroupNorm", {GroupNorm(2, 4), {"weight [4]", "bias [4]"}}},
      {"RMSNorm", {RMSNorm({4}), {"weight [4]"}}},
      {"RNN", {RNN(3, 2), gates("2", "_l0")}},
      {"LSTM", {LSTM(3, 2), gates("8", "_l0")}},
      {"GRU", {GRU(3, 2), gates("6", "_l0")}},
      {"RNNCell", {RNNCell(3, 2), gates("2", "")}},
      {"LSTMCell", {LSTMCell(3, 2), gates("8", "")}},
      {"GRUCell", {GRUCell(3, 2), gates("6", "")}},
      {"MultiheadAttention",
       {MultiheadAttention(4, 2),
        {"in_proj_weight [12, 4]", "in_proj_bias [12]", "out_proj.weight [4, 4]", "out_proj.bias [4]"}}},
  };
}

std::vector<Module::Named> state_of(const Module& module) {
  std::vector<Module::Named> all = module.named_parameters();
  const auto buffers = module.named_buffers();
  all.insert(all.end(), buffers.begin(), buffers.end());
  return all;
}

TEST(EveryModule, NamesItsTensorsAsPyTorchDoes) {
  for (const auto& [name, known] : names_in_pytorch()) {
    std::vector<std::string> state;
    for (const auto& [part, tensor] : state_of(*known.module)) state.push_back(part + " " + tensor.shape().str());
    EXPECT_EQ(state, known.state) << name;
  }
  // Containers name by position, as theirs do.
  const Sequential net(Linear(3, 2), ReLU(), Residual(Linear(2, 2)));
  EXPECT_EQ(net.named_parameters()[1].first, "0.bias");
  EXPECT_EQ(net.named_parameters()[2].first.rfind("2.", 0), 0u);
}

/// The class, without namespaces; of a template with its arguments.
std::string class_of(const Module& module) {
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(typeid(module).name(), nullptr, nullptr, nullptr), std::free);
  const std::string full = text.get();
  return full.substr(full.rfind("::") + 2);
}

TEST(EveryModule, WithTensorsOfItsOwnHasTheirNamesInPyTorchAbove) {
  manual_seed(1);
  const auto known = names_in_pytorch();
  std::set<std::string> own;
  for (const auto& [name, make] : cases()) {
    const Case one = make();
    for (const auto& [part, module] : one.model->named_modules()) {
      for (const auto& [tensor, value] : state_of(*module)) {
        if (tensor.find('.') == std::string::npos) own.insert(class_of(*module));
      }
    }
  }
  // PyTorch has no such modules: that of weights in another form, whose tensors have the names of the layer's, and one
  // that scales features.
  std::erase_if(own, [](const std::string& name) { return name.ends_with('>') || name == "FeatureScaler"; });
  EXPECT_EQ(own.size(), known.size());
  for (const std::string& name : own) EXPECT_TRUE(known.contains(name)) << name;
}

TEST(EveryModule, IsInAModelAbove) {
  manual_seed(1);
  std::set<std::string> checked;
  for (const auto& [name, make] : cases()) {
    const Case one = make();
    for (const auto& [part, module] : one.model->named_modules()) {
      checked.insert(class_of(*module));
    }
  }
  std::set<std::string> expected = classes_of_nn();
  EXPECT_GT(expected.size(), 60u);
  // What cannot be made by itself, and the one that learns without gradients.
  for (const char* name : {"Module", "BatchNorm", "InstanceNorm", "Convolution", "ConvolutionTranspose",
                           "RecurrentNetwork", "RecurrentCell", "DropoutLayer", "Perceptron"})
    EXPECT_EQ(expected.erase(name), 1u) << name;
  for (const std::string& name : expected) EXPECT_EQ(checked.count(name), 1u) << name << " is in no model";
}

}  // namespace
}  // namespace dagrad::nn
