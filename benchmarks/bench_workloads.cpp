// Whole steps, under the names that other frameworks' side of the comparison uses: one step is zeroing the gradients,
// forward, loss, backward and the optimizer's update on one fixed random batch. The time of the chains is per op
// (forward and backward), or per pair of ops for chain_mm32.
//
//   bench_workloads --benchmark_filter=mlp1024
#include <benchmark/benchmark.h>
#include <functional>
#include <memory>

#include "dagrad/core/denormals.h"
#include "dagrad/core/parallel.h"
#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"

namespace dagrad {
namespace {

using Step = std::function<void()>;

/// `prepare` makes the data and the model, and gives the step to be timed.
void add(const std::string& name, const std::function<Step()>& prepare, double per = 1) {
  for (const int threads : {1, 2}) {
    benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(),
                                 [=](benchmark::State& state) {
                                   set_num_threads(threads);
                                   set_flush_denormals(true);
                                   manual_seed(0);
                                   const Step step = prepare();
                                   for (int i = 0; i < 3; ++i) step();
                                   for ([[maybe_unused]] auto _ : state) step();
                                   if (per != 1) {
                                     state.counters["per_op"] =
                                         benchmark::Counter(per * static_cast<double>(state.iterations()),
                                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
                                   }
                                 })
        ->Unit(benchmark::kMicrosecond)
        ->UseRealTime();
  }
}

enum class Rule { sgd, adam };

std::shared_ptr<optim::Optimizer> make(Rule rule, const nn::Module& net) {
  if (rule == Rule::sgd) return std::make_shared<optim::SGD>(net.parameters(), optim::SgdOptions{.lr = 1e-3});
  return std::make_shared<optim::Adam>(net.parameters());
}

void add_mlp(const std::string& name, const std::vector<std::int64_t>& widths, std::int64_t batch, Rule rule) {
  add(name, [=]() -> Step {
    auto net = std::make_shared<nn::Sequential>(nn::mlp(widths));
    auto optimizer = make(rule, *net);
    const Tensor x = randn({batch, widths.front()}), y = randint(0, widths.back(), {batch});
    return [=] {
      optimizer->zero_grad();
      cross_entropy((*net)(x), y).backward();
      optimizer->step();
    };
  });
}

/// One step of `net()` on images under Adam.
void add_images(const std::string& name, const Shape& images, const std::function<nn::Sequential()>& make_net) {
  add(name, [=]() -> Step {
    auto net = std::make_shared<nn::Sequential>(make_net());
    auto optimizer = make(Rule::adam, *net);
    const Tensor x = randn(images), y = randint(0, 10, {images[0]});
    return [=] {
      optimizer->zero_grad();
      cross_entropy((*net)(x), y).backward();
      optimizer->step();
    };
  });
}

nn::Sequential small_cnn() {
  nn::Sequential net;
  std::int64_t in = 1;
  for (const std::int64_t out : {16, 32}) {
    net.add(nn::Conv2d({.in = in, .out = out, .kernel = 3, .padding = 1}));
    net.add(nn::ReLU());
    net.add(nn::MaxPool2d(2));
    in = out;
  }
  net.add(nn::Flatten());
  net.add(nn::Linear(32 * 7 * 7, 10));
  return net;
}

void add_chain(const std::string& name, const std::function<std::function<Tensor(const Tensor&)>()>& make_op,
               const std::function<Tensor()>& make_start) {
  constexpr int kLength = 1000;
  add(
      name,
      [=]() -> Step {
        const auto op = make_op();
        const Tensor start = make_start();
        return [=] {
          Tensor t = start;
          for (int i = 0; i < kLength; ++i) t = op(t);
          sum(t).backward();
        };
      },
      kLength);
}

void add_all() {
  add_mlp("tiny_mlp_sgd", {2, 16, 16, 2}, 32, Rule::sgd);
  add_mlp("tiny_mlp_adam", {2, 16, 16, 2}, 32, Rule::adam);
  add_mlp("small_mlp_adam", {784, 128, 10}, 64, Rule::adam);
  add_mlp("mlp1024_sgd", {784, 1024, 1024, 10}, 128, Rule::sgd);
  add_mlp("mlp1024_adam", {784, 1024, 1024, 10}, 128, Rule::adam);
  add_mlp("mlp1024_b512_adam", {784, 1024, 1024, 10}, 512, Rule::adam);
  std::vector<std::int64_t> deep(51, 64);
  deep.push_back(10);
  add_mlp("deep50_adam", deep, 32, Rule::adam);

  add_images("cnn_adam", {64, 1, 28, 28}, small_cnn);

  add("lstm_adam", []() -> Step {
    auto net = std::make_shared<nn::LSTM>(64, 128);
    auto head = std::make_shared<nn::Linear>(128, 10);
    std::vector<Tensor> parameters = net->parameters();
    const std::vector<Tensor> of_head = head->parameters();
    parameters.insert(parameters.end(), of_head.begin(), of_head.end());
    auto optimizer = std::make_shared<optim::Adam>(parameters);
    const Tensor x = randn({50, 32, 64}), y = randint(0, 10, {32});
    return [=] {
      optimizer->zero_grad();
      cross_entropy((*head)(select((*net)(x, LstmState{}).h_n, 0, 0)), y).backward();
      optimizer->step();
    };
  });

  const auto small = [] { return randn({16}).requires_grad_(); };
  add_chain(
      "chain_add16", [=] { return [a = small()](const Tensor& t) { return t + a; }; }, small);
  add_chain(
      "chain_tanh16", [] { return [](const Tensor& t) { return tanh(t); }; }, small);
  add_chain(
      "chain_mm32",
      [] {
        return [w = randn({32, 32}).requires_grad_()](const Tensor& t) { return matmul(t, w) * 0.1; };
      },
      [] {
        return randn({32, 32});
      });

  add("eltwise_4m", []() -> Step {
    const std::int64_t n = 4 << 20;
    const Tensor x = randn({n}).requires_grad_(), w = randn({n}).requires_grad_(), b = randn({n}).requires_grad_();
    return [=] {
      for (const Tensor& t : {x, w, b}) t.zero_grad();
      sum(tanh(x * w + b)).backward();
    };
  });
  add("softmax_xent_4096x1000", []() -> Step {
    const Tensor x = randn({4096, 1000}).requires_grad_(), y = randint(0, 1000, {4096});
    return [=] {
      x.zero_grad();
      cross_entropy(x, y).backward();
    };
  });
  add("hvp_small_mlp", []() -> Step {
    auto net = std::make_shared<nn::Sequential>(nn::mlp({784, 128, 10}, {.activation = nn::ActivationKind::tanh}));
    const std::vector<Tensor> parameters = net->parameters();
    std::vector<Tensor> v;
    for (const Tensor& p : parameters) v.push_back(randn(p.shape()));
    const Tensor x = randn({64, 784}), y = randint(0, 10, {64});
    return [=] {
      const std::vector<Tensor> g = grad(cross_entropy((*net)(x), y), parameters, {.create_graph = true});
      Tensor dot = sum(g[0] * v[0]);
      for (std::size_t i = 1; i < g.size(); ++i) dot = dot + sum(g[i] * v[i]);
      (void)grad(dot, parameters);
    };
  });
  add("gemm_1024", []() -> Step {
    const Tensor a = randn({1024, 1024}), b = randn({1024, 1024});
    return [=] { (void)matmul(a, b); };
  });
}

}  // namespace
}  // namespace dagrad

int main(int count, char** arguments) {
  dagrad::add_all();
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
