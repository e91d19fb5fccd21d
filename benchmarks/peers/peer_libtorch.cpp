// The workloads of benchmarks/workloads/workload.h on libtorch, for benchmarks/compare.
//
//   peer_libtorch [threads] [part of the names]
//
// prints lines `workload<TAB>threads<TAB>peer<TAB>microseconds`, the median of seven timings of 60 ms.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <torch/torch.h>
#include <utility>
#include <vector>

namespace {

namespace nn = torch::nn;
using torch::Tensor;
using Step = std::function<void()>;
using Clock = std::chrono::steady_clock;

constexpr int kChain = 1000;

double seconds_per_call(const Step& step, int calls) {
  const auto start = Clock::now();
  for (int i = 0; i < calls; ++i) step();
  return std::chrono::duration<double>(Clock::now() - start).count() / calls;
}

class Report {
 public:
  Report(int threads, std::string part) : threads_(threads), part_(std::move(part)) {}

  /// Times what `prepare` gives, if its name is asked for. A figure is for one of `parts` parts of a step.
  void operator()(const std::string& name, const std::function<Step()>& prepare, int parts = 1) const {
    if (name.find(part_) == std::string::npos) return;
    torch::manual_seed(0);
    const Step step = prepare();
    seconds_per_call(step, 3);
    const int calls = std::max(1, static_cast<int>(0.06 / std::max(1e-7, seconds_per_call(step, 1))));
    std::vector<double> seconds;
    for (int i = 0; i < 7; ++i) seconds.push_back(seconds_per_call(step, calls));
    std::nth_element(seconds.begin(), seconds.begin() + 3, seconds.end());
    std::printf("%s\t%d\tlibtorch-%s\t%.3f\n", name.c_str(), threads_, TORCH_VERSION, seconds[3] * 1e6 / parts);
    std::fflush(stdout);
  }

 private:
  int threads_;
  std::string part_;
};

Tensor classes(int count, int batch) { return torch::randint(0, count, {batch}, torch::kLong); }
Tensor leaf(torch::IntArrayRef shape) { return torch::randn(shape, torch::requires_grad()); }

template <class Optimizer, class Forward>
Step training(std::shared_ptr<Optimizer> optimizer, Forward forward, Tensor y) {
  return [=] {
    optimizer->zero_grad();
    nn::functional::cross_entropy(forward(), y).backward();
    optimizer->step();
  };
}

std::shared_ptr<torch::optim::Adam> adam(std::vector<Tensor> parameters) {
  return std::make_shared<torch::optim::Adam>(std::move(parameters), torch::optim::AdamOptions(1e-3));
}
std::shared_ptr<torch::optim::SGD> sgd(std::vector<Tensor> parameters) {
  return std::make_shared<torch::optim::SGD>(std::move(parameters), torch::optim::SGDOptions(1e-3));
}

struct Mlp {
  std::vector<int> widths;
  int batch;
  bool is_sgd = false, blocks = false;
};

Step mlp(const Mlp& shape) {
  nn::Sequential net;
  const auto& w = shape.widths;
  for (std::size_t i = 0; i + 1 < w.size(); ++i) {
    net->push_back(nn::Linear(w[i], w[i + 1]));
    if (i + 2 == w.size()) break;
    if (shape.blocks) net->push_back(nn::BatchNorm1d(w[i + 1]));
    net->push_back(nn::ReLU());
    if (shape.blocks) net->push_back(nn::Dropout(0.5));
  }
  const Tensor x = torch::randn({shape.batch, w.front()}), y = classes(w.back(), shape.batch);
  const auto forward = [net, x]() mutable { return net->forward(x); };
  return shape.is_sgd ? training(sgd(net->parameters()), forward, y) : training(adam(net->parameters()), forward, y);
}

void mlps(const Report& report) {
  const std::vector<int> tiny{2, 16, 16, 2}, small{784, 128, 10}, wide{784, 1024, 1024, 10};
  std::vector<int> deep(51, 64);
  deep.push_back(10);
  const std::vector<std::pair<std::string, Mlp>> all{
      {"tiny_mlp_sgd", {tiny, 32, true}}, {"tiny_mlp_adam", {tiny, 32}},
      {"small_mlp_adam", {small, 64}},    {"mlp1024_sgd", {wide, 128, true}},
      {"mlp1024_adam", {wide, 128}},      {"mlp1024_bn_drop_adam", {wide, 128, false, true}},
      {"mlp1024_b512_adam", {wide, 512}}, {"deep50_adam", {deep, 32}}};
  for (const auto& [name, shape] : all) report(name, [s = shape] { return mlp(s); });
}

nn::Conv2d convolution(int in, int out) { return nn::Conv2d(nn::Conv2dOptions(in, out, 3).padding(1)); }

Step images(nn::Sequential net, torch::IntArrayRef shape) {
  const Tensor x = torch::randn(shape), y = classes(10, static_cast<int>(shape[0]));
  return training(
      adam(net->parameters()), [net, x]() mutable { return net->forward(x); }, y);
}

Step cnn() {
  return images(nn::Sequential(convolution(1, 16), nn::ReLU(), nn::MaxPool2d(2), convolution(16, 32), nn::ReLU(),
                               nn::MaxPool2d(2), nn::Flatten(), nn::Linear(1568, 10)),
                {64, 1, 28, 28});
}

Step convbn() {
  nn::Sequential net;
  const auto block = [&](int in, int out) {
    net->push_back(convolution(in, out));
    net->push_back(nn::BatchNorm2d(out));
    net->push_back(nn::ReLU());
  };
  block(3, 32);
  block(32, 32);
  net->push_back(nn::MaxPool2d(2));
  block(32, 64);
  block(64, 64);
  net->push_back(nn::MaxPool2d(2));
  net->push_back(nn::AdaptiveAvgPool2d(1));
  net->push_back(nn::Flatten());
  net->push_back(nn::Linear(64, 10));
  return images(net, {32, 3, 32, 32});
}

Step lstm() {
  nn::LSTM net(nn::LSTMOptions(64, 128));
  nn::Linear head(128, 10);
  std::vector<Tensor> parameters = net->parameters();
  for (const Tensor& p : head->parameters()) parameters.push_back(p);
  const Tensor x = torch::randn({50, 32, 64}), y = classes(10, 32);
  return training(
      adam(parameters), [=]() mutable { return head(std::get<0>(net(x))[49]); }, y);
}

template <class Op>
Step chain(Tensor start, Op op) {
  return [=] {
    Tensor t = start;
    for (int i = 0; i < kChain; ++i) t = op(t);
    t.sum().backward();
  };
}

void pieces(const Report& report) {
  report(
      "chain_add16",
      [] {
        const Tensor a = leaf({16});
        return chain(leaf({16}), [a](const Tensor& t) { return t + a; });
      },
      kChain);
  report(
      "chain_tanh16", [] { return chain(leaf({16}), [](const Tensor& t) { return torch::tanh(t); }); }, kChain);
  report(
      "chain_mm32",
      [] {
        const Tensor w = leaf({32, 32});
        return chain(torch::randn({32, 32}), [w](const Tensor& t) { return torch::mm(t, w) * 0.1; });
      },
      kChain);
  report("eltwise_4m", [] {
    const Tensor x = leaf({4 << 20}), w = leaf({4 << 20}), b = leaf({4 << 20});
    return [=] {
      for (Tensor t : {x, w, b}) t.mutable_grad() = Tensor();
      torch::tanh(x * w + b).sum().backward();
    };
  });
  report("softmax_xent_4096x1000", [] {
    const Tensor x = leaf({4096, 1000}), y = classes(1000, 4096);
    return [=] {
      Tensor(x).mutable_grad() = Tensor();
      nn::functional::cross_entropy(x, y).backward();
    };
  });
  report("layernorm_4096x1024", [] {
    const Tensor x = leaf({4096, 1024});
    nn::LayerNorm norm(nn::LayerNormOptions({1024}));
    return [=]() mutable {
      Tensor(x).mutable_grad() = Tensor();
      norm->zero_grad();
      const Tensor y = norm(x);
      (y * y).sum().backward();
    };
  });
  report("hvp_small_mlp", [] {
    nn::Sequential net(nn::Linear(784, 128), nn::Tanh(), nn::Linear(128, 10));
    const std::vector<Tensor> parameters = net->parameters();
    std::vector<Tensor> v;
    for (const Tensor& p : parameters) v.push_back(torch::randn_like(p));
    const Tensor x = torch::randn({64, 784}), y = classes(10, 64);
    return [=]() mutable {
      const Tensor loss = nn::functional::cross_entropy(net->forward(x), y);
      const auto g = torch::autograd::grad({loss}, parameters, {}, true, true);
      Tensor dot = (g[0] * v[0]).sum();
      for (std::size_t i = 1; i < g.size(); ++i) dot = dot + (g[i] * v[i]).sum();
      torch::autograd::grad({dot}, parameters);
    };
  });
  report("gemm_1024", [] {
    const Tensor a = torch::randn({1024, 1024}), b = torch::randn({1024, 1024});
    return [=] {
      const torch::NoGradGuard guard;
      torch::mm(a, b);
    };
  });
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::stoi(arguments[1]) : 1;
  torch::set_num_threads(threads);
  const Report report(threads, count > 2 ? arguments[2] : "");
  mlps(report);
  report("cnn_adam", cnn);
  report("convbn_adam", convbn);
  report("lstm_adam", lstm);
  pieces(report);
}
