#include "tools/lab/deep_net.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"

namespace dagrad::tools::lab {

const std::vector<Start>& starts() {
  static const std::vector<Start> list = {
      {"zero", [](Tensor& w) { nn::init::zeros_(w); }},
      {"constant 0.1", [](Tensor& w) { nn::init::constant_(w, 0.1); }},
      {"N(0, 0.01^2)", [](Tensor& w) { nn::init::normal_(w, 0, 0.01); }},
      {"N(0, 1)", [](Tensor& w) { nn::init::normal_(w, 0, 1); }},
      {"Xavier", [](Tensor& w) { nn::init::xavier_normal_(w); }},
      {"He", [](Tensor& w) { nn::init::kaiming_normal_(w); }},
      {"LeCun", [](Tensor& w) { nn::init::lecun_normal_(w); }},
  };
  return list;
}

const Start& start_named(const std::string& name) {
  for (const Start& start : starts()) {
    if (start.name == name) return start;
  }
  throw UsageError(fmt::format("lab: no initialisation '{}'", name));
}

Tensor activate(const std::string& name, const Tensor& x) {
  return name == "relu" ? relu(x) : name == "tanh" ? tanh(x) : sigmoid(x);
}

double stuck_share(const std::string& name, const Tensor& activations) {
  const std::vector<double> all = values(activations);
  double stuck = 0;
  for (const double a : all) {
    const bool is_stuck = name == "relu" ? a == 0 : name == "tanh" ? std::abs(a) > 0.99 : a < 0.01 || a > 0.99;
    stuck += is_stuck ? 1 : 0;
  }
  return stuck / static_cast<double>(all.size());
}

DeepNet::DeepNet(std::int64_t in, std::int64_t width, int depth, std::int64_t classes, std::string activation,
                 const Start& start, bool batch_norm)
    : last(width, classes), activation_(std::move(activation)), batch_norm_(batch_norm) {
  const NoGrad guard;
  for (int i = 0; i < depth; ++i) {
    layers.emplace_back(i == 0 ? in : width, width, false);
    start.fill(layers.back().weight);
  }
  start.fill(last.weight);
  nn::init::zeros_(last.bias);
}

Tensor DeepNet::forward(const Tensor& x) {
  activations.clear();
  Tensor h = x;
  for (nn::Linear& layer : layers) {
    Tensor z = layer(h);
    if (batch_norm_) {
      // By the batch's own statistics, without scale and shift: what is shown here does not need them.
      const Tensor centred = z - mean(z, {0}, true);
      z = centred * rsqrt(mean(square(centred), {0}, true) + 1e-5);
    }
    h = activate(activation_, z);
    activations.push_back(h);
  }
  return last(h);
}

void DeepNet::parts(nn::Parts& p) {
  for (std::size_t i = 0; i < layers.size(); ++i) p.module(fmt::format("layer{}", i + 1), layers[i]);
  p.module("last", last);
}

std::vector<double> gradient_norms(DeepNet& net, const Tensor& x, const Tensor& labels) {
  const Tensor loss = cross_entropy(net(x), labels);
  for (const Tensor& h : net.activations) h.retain_grad();
  loss.backward();
  std::vector<double> norms;
  // In f64: squares of what has vanished, or exploded, are beyond f32.
  for (const Tensor& h : net.activations)
    norms.push_back(h.grad().defined() ? std::sqrt(sum(square(to(h.grad(), f64))).item<double>()) : 0);
  net.zero_grad();
  return norms;
}

}  // namespace dagrad::tools::lab
