// Modules with the same weights, by name, as libtorch's.
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/modules/rnn.h>

#include "dagrad/core/creation.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "libtorch/bridge.h"
#include "op_table/close.h"

namespace dagrad::libtorch {
namespace {

using op_table::Array;

/// Within `share` of the largest element, or so much absolutely where all are small.
testing::AssertionResult near(const Tensor& got, const at::Tensor& want, double share) {
  const Array g = op_table::to_array(got.detach()), w = from_torch(want);
  double largest = 1e-3;
  for (const double value : w.values) largest = std::max(largest, std::fabs(value));
  const Array terms(w.shape, largest);
  return op_table::close(g, w, &terms, {.roundings = 1, .u = share});
}

/// Copies the weights of `ours` into those of `theirs` of the same name, and expects both to have the same names.
template <class Theirs>
void copy_weights(const nn::Module& ours, Theirs& theirs) {
  const torch::NoGradGuard guard;
  auto to = theirs->named_parameters();
  const auto from = ours.named_parameters();
  ASSERT_EQ(from.size(), to.size());
  for (const auto& [name, tensor] : from) {
    ASSERT_TRUE(to.contains(name)) << name;
    to[name].copy_(to_torch(tensor.detach()));
  }
}

template <class Theirs>
void expect_same_gradients(const nn::Module& ours, Theirs& theirs, double share) {
  auto want = theirs->named_parameters();
  for (const auto& [name, tensor] : ours.named_parameters())
    EXPECT_TRUE(near(tensor.grad(), want[name].grad(), share)) << "gradient of " << name;
}

constexpr double kF64 = 1e-12, kF32 = 1e-5;

/// One forward and backward of both on the same input; `result` gives the tensor of libtorch's forward.
template <class Ours, class Theirs, class Result>
void expect_same(Ours& ours, Theirs& theirs, const Shape& shape, const Result& result) {
  for (const auto& [dtype, share] : {std::pair{f32, kF32}, {f64, kF64}}) {
    ours.to(dtype);
    theirs->to(scalar_type(dtype));
    copy_weights(ours, theirs);
    ours.zero_grad();
    theirs->zero_grad(/*set_to_none=*/true);
    const Tensor x = randn(shape, dtype).requires_grad_();
    at::Tensor their_x = to_torch(x.detach()).requires_grad_();
    const Tensor y = ours(x);
    const at::Tensor their_y = result(theirs, their_x);
    EXPECT_TRUE(near(y, their_y, share)) << name_of(dtype);
    const Tensor diff = randn(y.shape(), dtype);
    y.backward(diff);
    their_y.backward(to_torch(diff));
    EXPECT_TRUE(near(x.grad(), their_x.grad(), share)) << name_of(dtype) << ", gradient of x";
    expect_same_gradients(ours, theirs, share);
  }
}

const auto plain = [](auto& module, const at::Tensor& x) -> at::Tensor { return module->forward(x); };
const auto first = [](auto& module, const at::Tensor& x) -> at::Tensor { return std::get<0>(module->forward(x)); };
namespace tn = torch::nn;

TEST(ModulesOfLibtorch, LinearIsTheSame) {
  nn::Linear ours(7, 5);
  tn::Linear theirs(7, 5);
  expect_same(ours, theirs, {4, 7}, plain);
  expect_same(ours, theirs, {2, 3, 7}, plain);
}

TEST(ModulesOfLibtorch, ConvolutionsAreTheSame) {
  nn::Conv1d line({.in = 4, .out = 6, .kernel = 3, .stride = 2, .padding = 1, .groups = 2});
  tn::Conv1d their_line(tn::Conv1dOptions(4, 6, 3).stride(2).padding(1).groups(2));
  expect_same(line, their_line, {2, 4, 9}, plain);
  nn::Conv2d plane({.in = 3, .out = 5, .kernel = 3, .padding = 2, .dilation = 2});
  tn::Conv2d their_plane(tn::Conv2dOptions(3, 5, 3).padding(2).dilation(2));
  expect_same(plane, their_plane, {2, 3, 8, 7}, plain);
  nn::ConvTranspose2d back({.in = 3, .out = 4, .kernel = 4, .stride = 2, .padding = 1});
  tn::ConvTranspose2d their_back(tn::ConvTranspose2dOptions(3, 4, 4).stride(2).padding(1));
  expect_same(back, their_back, {2, 3, 5, 6}, plain);
}

TEST(ModulesOfLibtorch, LayerNormAndGroupNormAreTheSame) {
  nn::LayerNorm layer(Shape{6});
  tn::LayerNorm their_layer(tn::LayerNormOptions({6}));
  expect_same(layer, their_layer, {3, 4, 6}, plain);
  nn::GroupNorm group(2, 6);
  tn::GroupNorm their_group(2, 6);
  expect_same(group, their_group, {3, 6, 5, 4}, plain);
}

TEST(ModulesOfLibtorch, RecurrentNetworksAreTheSame) {
  nn::LSTM lstm(3, 5, {.num_layers = 2, .bidirectional = true});
  tn::LSTM their_lstm(tn::LSTMOptions(3, 5).num_layers(2).bidirectional(true));
  expect_same(lstm, their_lstm, {6, 4, 3}, first);
  nn::GRU gru(3, 5, {.num_layers = 2, .batch_first = true});
  tn::GRU their_gru(tn::GRUOptions(3, 5).num_layers(2).batch_first(true));
  expect_same(gru, their_gru, {4, 6, 3}, first);
  nn::RNN rnn(3, 5);
  tn::RNN their_rnn(tn::RNNOptions(3, 5));
  expect_same(rnn, their_rnn, {6, 4, 3}, first);
}

/// Outputs, gradients and running estimates over several batches in training, and then the evaluation.
template <class Ours, class Theirs>
void expect_same_batch_norm(Ours& ours, Theirs& theirs, const Shape& shape, DType dtype, double share) {
  ours.to(dtype);
  theirs->to(scalar_type(dtype));
  for (int batch = 0; batch < 5; ++batch) {
    ours.zero_grad();
    theirs->zero_grad(/*set_to_none=*/true);
    const Tensor x = add(mul(randn(shape, dtype), 3), 1).detach().requires_grad_();
    at::Tensor their_x = to_torch(x.detach()).requires_grad_();
    const Tensor y = ours(x);
    const at::Tensor their_y = theirs->forward(their_x);
    EXPECT_TRUE(near(y, their_y, share)) << "batch " << batch;
    const Tensor diff = randn(shape, dtype);
    y.backward(diff);
    their_y.backward(to_torch(diff));
    EXPECT_TRUE(near(x.grad(), their_x.grad(), share)) << "batch " << batch << ", gradient of x";
    expect_same_gradients(ours, theirs, share);
    EXPECT_TRUE(near(ours.running_mean, theirs->running_mean, share)) << "batch " << batch;
    EXPECT_TRUE(near(ours.running_var, theirs->running_var, share)) << "batch " << batch;
    EXPECT_EQ(ours.num_batches_tracked.template item<std::int64_t>(),
              theirs->num_batches_tracked.template item<std::int64_t>());
  }
  ours.eval();
  theirs->eval();
  const Tensor x = randn(shape, dtype);
  EXPECT_TRUE(near(ours(x), theirs->forward(to_torch(x)), share)) << "evaluation";
  ours.train();
  theirs->train();
}

TEST(ModulesOfLibtorch, BatchNormIsTheSameInTrainingAndEvaluation) {
  for (const auto& [dtype, share] : {std::pair{f64, kF64}, {f32, kF32}}) {
    nn::BatchNorm1d rows(5);
    tn::BatchNorm1d their_rows(5);
    expect_same_batch_norm(rows, their_rows, {8, 5}, dtype, share);
    nn::BatchNorm2d planes(4, {.eps = 1e-3, .momentum = 0.3});
    tn::BatchNorm2d their_planes(tn::BatchNorm2dOptions(4).eps(1e-3).momentum(0.3));
    expect_same_batch_norm(planes, their_planes, {3, 4, 5, 6}, dtype, share);
    // The mean of all batches so far.
    nn::BatchNorm1d average(3, {.momentum = {}});
    tn::BatchNorm1d their_average(tn::BatchNorm1dOptions(3).momentum(c10::nullopt));
    expect_same_batch_norm(average, their_average, {6, 3}, dtype, share);
  }
}

}  // namespace
}  // namespace dagrad::libtorch
