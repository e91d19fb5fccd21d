#include "workloads/training.h"

namespace dagrad::workloads {
namespace {

struct Mlp {
  std::vector<std::int64_t> widths;
  std::int64_t batch;
  Rule rule = Rule::adam;
  DType dtype = f32;
  bool blocks = false;  // Linear-BatchNorm1d-ReLU-Dropout
};

nn::Sequential net_of(const Mlp& mlp) {
  nn::Sequential net;
  for (std::size_t i = 0; i + 1 < mlp.widths.size(); ++i) {
    net.add(nn::Linear(mlp.widths[i], mlp.widths[i + 1]));
    if (i + 2 == mlp.widths.size()) break;
    if (mlp.blocks) net.add(nn::BatchNorm1d(mlp.widths[i + 1]));
    net.add(nn::ReLU());
    if (mlp.blocks) net.add(nn::Dropout(0.5));
  }
  return net;
}

Work work_of(const Mlp& mlp) {
  Work work{.dtype = mlp.dtype};
  const double item = mlp.dtype == bf16 ? 2 : 4;
  double parameters = 0, hidden = 0;
  for (std::size_t i = 0; i + 1 < mlp.widths.size(); ++i) {
    work.linears.push_back({mlp.batch, mlp.widths[i], mlp.widths[i + 1], i > 0});
    parameters += static_cast<double>((mlp.widths[i] + 1) * mlp.widths[i + 1]);
    if (i + 2 < mlp.widths.size()) hidden += static_cast<double>(mlp.batch * mlp.widths[i + 1]);
  }
  // Forward, ReLU rides along with the product; its backward reads what was positive. Batch norm reads its source
  // twice and writes; its backward reads the gradient and the source twice and writes.
  work.bytes = parameters * bytes_per_parameter(mlp.rule) + hidden * item * (mlp.blocks ? 3 + 5 : 1);
  return work;
}

Workload workload(const std::string& name, const Mlp& mlp) {
  const auto prepare = [=]() -> Step {
    auto net = std::make_shared<nn::Sequential>(net_of(mlp));
    const Tensor x = randn({mlp.batch, mlp.widths.front()}), y = randint(0, mlp.widths.back(), {mlp.batch});
    return training_step(net, make(mlp.rule, net->parameters()), x, y, mlp.dtype);
  };
  return {name, prepare, work_of(mlp)};
}

}  // namespace

std::vector<Workload> perceptrons() {
  const std::vector<std::int64_t> tiny{2, 16, 16, 2}, small{784, 128, 10}, wide{784, 1024, 1024, 10};
  std::vector<std::int64_t> deep(51, 64);
  deep.push_back(10);
  return {
      workload("tiny_mlp_sgd", {.widths = tiny, .batch = 32, .rule = Rule::sgd}),
      workload("tiny_mlp_adam", {.widths = tiny, .batch = 32}),
      workload("small_mlp_adam", {.widths = small, .batch = 64}),
      workload("mlp1024_sgd", {.widths = wide, .batch = 128, .rule = Rule::sgd}),
      workload("mlp1024_adam", {.widths = wide, .batch = 128}),
      workload("mlp1024_adam_bf16", {.widths = wide, .batch = 128, .dtype = bf16}),
      workload("mlp1024_bn_drop_adam", {.widths = wide, .batch = 128, .blocks = true}),
      workload("mlp1024_bn_drop_adam_bf16", {.widths = wide, .batch = 128, .dtype = bf16, .blocks = true}),
      workload("mlp1024_b512_adam", {.widths = wide, .batch = 512}),
      workload("mlp1024_b512_adam_bf16", {.widths = wide, .batch = 512, .dtype = bf16}),
      workload("deep50_adam", {.widths = deep, .batch = 32}),
  };
}

}  // namespace dagrad::workloads
