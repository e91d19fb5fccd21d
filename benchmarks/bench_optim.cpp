// One step of each optimizer over the parameters of a multilayer perceptron, and how long it takes at least: the time
// of moving the same bytes with no more arithmetic than an addition.
#include <benchmark/benchmark.h>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dagrad/core/creation.h"
#include "dagrad/core/parallel.h"
#include "dagrad/optim/optim.h"
#include "workloads/moving.h"

namespace dagrad {
namespace {

using optim::Optimizer;
using Make = std::function<std::unique_ptr<Optimizer>(const std::vector<Tensor>&)>;

template <class O>
Make make(typename O::Options options = {}) {
  return [options](const std::vector<Tensor>& parameters) { return std::make_unique<O>(parameters, options); };
}

/// Weights and biases of layers 784-1000-1000-n: 1.86 million numbers for n = 70.
std::vector<Tensor> layers(const std::vector<std::int64_t>& sizes) {
  std::vector<Tensor> parameters;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    parameters.push_back(randn({sizes[i + 1], sizes[i]}).requires_grad_());
    parameters.push_back(randn({sizes[i + 1]}).requires_grad_());
  }
  for (const Tensor& p : parameters) p.set_grad(randn(p.shape()));
  return parameters;
}

std::int64_t numel(const std::vector<Tensor>& tensors) {
  std::int64_t n = 0;
  for (const Tensor& t : tensors) n += t.numel();
  return n;
}

const std::vector<std::int64_t> kLarge = {784, 1000, 1000, 70};
const std::vector<std::int64_t> kSmall = {64, 32, 10};

void step(benchmark::State& state, const Make& maker, const std::vector<std::int64_t>& sizes, int threads) {
  set_num_threads(threads);
  const std::vector<Tensor> parameters = layers(sizes);
  const auto optimizer = maker(parameters);
  // LBFGS asks for a closure; the others call it once.
  const Tensor loss = scalar(1);
  const auto closure = [&] { return loss; };
  for (int i = 0; i < 3; ++i) optimizer->step(closure);
  for (auto _ : state) optimizer->step(closure);
  state.counters["parameters"] = static_cast<double>(numel(parameters));
  state.SetItemsProcessed(state.iterations() * numel(parameters));
}

void moving(benchmark::State& state, int threads) {
  set_num_threads(threads);
  const std::int64_t count = numel(layers(kLarge));
  const auto pass = workloads::moving_pass(count);
  for (auto _ : state) pass();
  state.counters["parameters"] = static_cast<double>(count);
  state.SetBytesProcessed(state.iterations() * count * workloads::kBytesMoved);
}

void bf16_parameters(benchmark::State& state) {
  std::vector<Tensor> parameters;
  for (const Tensor& p : layers(kLarge)) {
    parameters.push_back(randn(p.shape(), bf16).requires_grad_());
    parameters.back().set_grad(randn(p.shape(), bf16));
  }
  optim::Adam optimizer(parameters);
  for (auto _ : state) optimizer.step();
  state.counters["parameters"] = static_cast<double>(numel(parameters));
}

void clipped(benchmark::State& state) {
  optim::Adam optimizer(layers(kLarge));
  for (auto _ : state) optim::step_with_clipped_norm(optimizer, 1);
}

void averaging(benchmark::State& state) {
  optim::ExponentialAverage average(layers(kLarge));
  for (auto _ : state) average.update();
}

void add(const std::string& name, const Make& maker) {
  for (const auto& [size, sizes] : {std::pair{"large", kLarge}, std::pair{"small", kSmall}}) {
    for (const int threads : {1, 2}) {
      benchmark::RegisterBenchmark(
          (name + "/" + size + "/threads:" + std::to_string(threads)).c_str(),
          [maker, sizes = sizes, threads](benchmark::State& state) { step(state, maker, sizes, threads); })
          ->UseRealTime();
    }
  }
}

}  // namespace
}  // namespace dagrad

int main(int argc, char** argv) {
  using namespace dagrad;
  using namespace dagrad::optim;
  for (const int threads : {1, 2})
    benchmark::RegisterBenchmark(("moving_28_bytes_a_parameter/threads:" + std::to_string(threads)).c_str(), moving,
                                 threads)
        ->UseRealTime();
  add("SGD", make<SGD>());
  add("SGD_momentum", make<SGD>({.momentum = 0.9}));
  add("SGD_nesterov_weight_decay", make<SGD>({.momentum = 0.9, .weight_decay = 1e-4, .nesterov = true}));
  add("SGDW", make<SGDW>({.momentum = 0.9}));
  add("Adagrad", make<Adagrad>());
  add("RMSprop", make<RMSprop>());
  add("RMSprop_centered_momentum", make<RMSprop>({.momentum = 0.9, .centered = true}));
  add("Adadelta", make<Adadelta>());
  add("Adam", make<Adam>());
  add("Adam_amsgrad", make<Adam>({.amsgrad = true}));
  add("Adam_error_if_nonfinite", [](const std::vector<Tensor>& parameters) {
    auto adam = std::make_unique<Adam>(parameters);
    adam->error_if_nonfinite(true);
    return adam;
  });
  add("AdamW", make<AdamW>());
  add("Adamax", make<Adamax>());
  add("NAdam", make<NAdam>());
  add("RAdam", make<RAdam>());
  add("Lion", make<Lion>());
  add("Rprop", make<Rprop>());
  add("Adafactor", make<Adafactor>());
  add("LBFGS", make<LBFGS>({.max_iter = 1, .history_size = 5}));
  benchmark::RegisterBenchmark("Adam_bf16_parameters/large", bf16_parameters)->UseRealTime();
  benchmark::RegisterBenchmark("Adam_clipped_norm/large", clipped)->UseRealTime();
  benchmark::RegisterBenchmark("ExponentialAverage/large", averaging)->UseRealTime();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
