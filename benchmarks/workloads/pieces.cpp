// Chains of small ops, single large ones, and a second derivative.
#include <memory>

#include "dagrad/nn/nn.h"
#include "dagrad/ops/ops.h"
#include "workloads/workload.h"

namespace dagrad::workloads {
namespace {

constexpr int kLength = 1000;

Tensor small() { return randn({16}).requires_grad_(); }

Workload chain(const std::string& name, const std::function<std::function<Tensor(const Tensor&)>()>& make_op,
               const std::function<Tensor()>& make_start, const Work& work = {}) {
  const auto prepare = [=]() -> Step {
    const auto op = make_op();
    const Tensor start = make_start();
    return [=] {
      Tensor t = start;
      for (int i = 0; i < kLength; ++i) t = op(t);
      sum(t).backward();
    };
  };
  return {name, prepare, work, kLength};
}

std::function<Tensor(const Tensor&)> adding() {
  return [a = small()](const Tensor& t) { return t + a; };
}
std::function<Tensor(const Tensor&)> tanh_again() {
  return [](const Tensor& t) { return tanh(t); };
}
std::function<Tensor(const Tensor&)> multiplying() {
  return [w = randn({32, 32}).requires_grad_()](const Tensor& t) { return matmul(t, w) * 0.1; };
}

Tensor sum_of_tanh(const Tensor& x, const Tensor& w, const Tensor& b) { return sum(tanh(x * w + b)); }

template <class F>
Workload eltwise(const char* name, const F& total) {
  const auto prepare = [total]() -> Step {
    const std::int64_t n = 4 << 20;
    const Tensor x = randn({n}).requires_grad_(), w = randn({n}).requires_grad_(), b = randn({n}).requires_grad_();
    return [=] {
      for (const Tensor& t : {x, w, b}) t.zero_grad();
      total(x, w, b).backward();
    };
  };
  // Three tensors read, forward; read again and three gradients written, backward.
  return {name, prepare, {.bytes = 9.0 * 4 * (4 << 20)}};
}

Step prepare_cross_entropy() {
  const Tensor x = randn({4096, 1000}).requires_grad_(), y = randint(0, 1000, {4096});
  return [=] {
    x.zero_grad();
    cross_entropy(x, y).backward();
  };
}

Step prepare_layer_norm() {
  const Tensor x = randn({4096, 1024}).requires_grad_();
  auto norm = std::make_shared<nn::LayerNorm>(Shape{1024});
  return [=] {
    x.zero_grad();
    for (const Tensor& p : norm->parameters()) p.zero_grad();
    const Tensor out = (*norm)(x);
    sum(out * out).backward();
  };
}

/// `product(loss, parameters, v)`.
template <class Product>
Step hessian_vector_step(const Product& product) {
  auto net = std::make_shared<nn::Sequential>(nn::mlp({784, 128, 10}, {.activation = nn::ActivationKind::tanh}));
  const std::vector<Tensor> parameters = net->parameters();
  std::vector<Tensor> v;
  for (const Tensor& p : parameters) v.push_back(randn(p.shape()));
  const Tensor x = randn({64, 784}), y = randint(0, 10, {64});
  return [=] { product(cross_entropy((*net)(x), y), parameters, v); };
}

Step prepare_hessian_vector_product() {
  return hessian_vector_step([](const Tensor& loss, const std::vector<Tensor>& parameters,
                                const std::vector<Tensor>& v) { (void)hvp(loss, parameters, v); });
}

/// As it is written where there is no hvp.
Step prepare_hessian_vector_product_by_grad() {
  return hessian_vector_step(
      [](const Tensor& loss, const std::vector<Tensor>& parameters, const std::vector<Tensor>& v) {
        const std::vector<Tensor> g = grad(loss, parameters, {.create_graph = true});
        Tensor dot = sum(g[0] * v[0]);
        for (std::size_t i = 1; i < g.size(); ++i) dot = dot + sum(g[i] * v[i]);
        (void)grad(dot, parameters);
      });
}

/// The layers forward and the hidden gradient; then what these become when they are differentiated: for each of the
/// weights' gradients a product with v and one backward, for the hidden gradient two, and forward's once more. The
/// weights' gradients themselves are of no use. v and the weights are read, the products written.
Work hessian_vector_work() {
  return {.products = {{64, 784, 128, 2}, {128, 64, 784}, {64, 128, 10, 3}, {64, 10, 128, 3}, {10, 64, 128, 2}},
          .bytes = 3 * 4 * 101770.0};
}

Step prepare_gemm() {
  const Tensor a = randn({1024, 1024}), b = randn({1024, 1024});
  return [=] { (void)matmul(a, b); };
}

}  // namespace

std::vector<Workload> pieces() {
  return {
      chain("chain_add16", adding, small),
      chain("chain_tanh16", tanh_again, small),
      chain("chain_mm32", multiplying,
            [] {
              return randn({32, 32});
            },
            {.products = {{32, 32, 32, 3 * kLength}}}),
      eltwise("eltwise_4m",
              [](const Tensor& x, const Tensor& w, const Tensor& b) { return fused(sum_of_tanh, x, w, b); }),
      eltwise("eltwise_4m_op_by_op", sum_of_tanh),
      // Read, forward; read again and the gradient written, backward.
      {"softmax_xent_4096x1000", prepare_cross_entropy, {.bytes = 4096.0 * 1000 * 4 * 3}},
      {"layernorm_4096x1024", prepare_layer_norm, {.bytes = 4096.0 * 1024 * 4 * 3}},
      {"hvp_small_mlp", prepare_hessian_vector_product, hessian_vector_work()},
      {"hvp_small_mlp_by_grad", prepare_hessian_vector_product_by_grad},
      {"gemm_1024", prepare_gemm, {.products = {{1024, 1024, 1024}}}},
  };
}

}  // namespace dagrad::workloads
