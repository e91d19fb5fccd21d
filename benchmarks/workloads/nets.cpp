// Convolutional and recurrent nets.
#include "workloads/training.h"

namespace dagrad::workloads {
namespace {

nn::Conv2d convolution(std::int64_t in, std::int64_t out) {
  return nn::Conv2d({.in = in, .out = out, .kernel = 3, .padding = 1});
}

nn::Sequential small_cnn() {
  nn::Sequential net;
  net.add(convolution(1, 16));
  net.add(nn::ReLU());
  net.add(nn::MaxPool2d(2));
  net.add(convolution(16, 32));
  net.add(nn::ReLU());
  net.add(nn::MaxPool2d(2));
  net.add(nn::Flatten());
  net.add(nn::Linear(32 * 7 * 7, 10));
  return net;
}

nn::Sequential batch_norm_cnn() {
  nn::Sequential net;
  const auto block = [&](std::int64_t in, std::int64_t out) {
    net.add(convolution(in, out));
    net.add(nn::BatchNorm2d(out));
    net.add(nn::ReLU());
  };
  block(3, 32);
  block(32, 32);
  net.add(nn::MaxPool2d(2));
  block(32, 64);
  block(64, 64);
  net.add(nn::MaxPool2d(2));
  net.add(nn::AdaptiveAvgPool2d(1));
  net.add(nn::Flatten());
  net.add(nn::Linear(64, 10));
  return net;
}

Workload images(const std::string& name, const Shape& shape, nn::Sequential (*make_net)(), const Work& work) {
  const auto prepare = [=]() -> Step {
    auto net = std::make_shared<nn::Sequential>(make_net());
    const Tensor x = randn(shape), y = randint(0, 10, {shape[0]});
    return training_step(net, make(Rule::adam, net->parameters()), x, y, work.dtype);
  };
  return {name, prepare, work};
}

/// ReLU rides along with the convolution. Max pooling reads its source and writes a quarter of it and as many indices;
/// its backward, and ReLU's in it, reads these and writes all.
Work small_cnn_work(DType dtype) {
  const double item = dtype == bf16 ? 2 : 4;
  const double activations = 64.0 * (16 * 28 * 28 + 32 * 14 * 14);
  return {.dtype = dtype,
          .linears = {{64, 1568, 10}},
          .convolutions = {{64, 1, 16, 28, false}, {64, 16, 32, 14}},
          .bytes = activations * (item * 2.5 + 0.5) + bytes_per_parameter(Rule::adam) * 20490};
}

/// Batch norm reads its source twice and writes; its backward reads the gradient and the source twice and writes.
Work batch_norm_cnn_work() {
  const double wide = 32.0 * 32 * 32 * 32 * 2, deep = 32.0 * 64 * 16 * 16 * 2;
  const double pooled = (wide + deep) / 2;
  return {.linears = {{32, 64, 10}},
          .convolutions = {{32, 3, 32, 32, false}, {32, 32, 32, 32}, {32, 32, 64, 16}, {32, 64, 64, 16}},
          .bytes = (wide + deep) * 4 * 8 + pooled * (4 * 2.5 + 0.5) + bytes_per_parameter(Rule::adam) * 66570};
}

Step prepare_lstm() {
  auto net = std::make_shared<nn::LSTM>(64, 128);
  auto head = std::make_shared<nn::Linear>(128, 10);
  std::vector<Tensor> parameters = net->parameters();
  const std::vector<Tensor> of_head = head->parameters();
  parameters.insert(parameters.end(), of_head.begin(), of_head.end());
  const auto optimizer = make(Rule::adam, parameters);
  const Tensor x = randn({50, 32, 64}), y = randint(0, 10, {32});
  return [=] {
    optimizer->zero_grad();
    cross_entropy((*head)(select((*net)(x, LstmState{}).h_n, 0, 0)), y).backward();
    optimizer->step();
  };
}

/// A step of the recurrence reads four gates' sums and the cell and writes four gates, cell and hidden state; its
/// backward reads those and writes four.
Work lstm_work() {
  const std::int64_t steps = 50, batch = 32, in = 64, hidden = 128, rows = steps * batch;
  const double elements = static_cast<double>(rows * hidden);
  return {.linears = {{batch, hidden, 10}, {rows, in, 4 * hidden, false}},
          .products = {{batch, hidden, 4 * hidden, 50}, {batch, 4 * hidden, hidden, 50}, {4 * hidden, rows, hidden}},
          .bytes = elements * 4 * (11 + 12) +
                   bytes_per_parameter(Rule::adam) * static_cast<double>(4 * hidden * (in + hidden + 2) + 1290)};
}

}  // namespace

std::vector<Workload> image_and_sequence_nets() {
  return {images("cnn_adam", {64, 1, 28, 28}, small_cnn, small_cnn_work(f32)),
          images("cnn_adam_bf16", {64, 1, 28, 28}, small_cnn, small_cnn_work(bf16)),
          images("convbn_adam", {32, 3, 32, 32}, batch_norm_cnn, batch_norm_cnn_work()),
          {"lstm_adam", prepare_lstm, lstm_work()}};
}

}  // namespace dagrad::workloads
