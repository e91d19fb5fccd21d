#include "libtorch/torch_table.h"

#include <torch/csrc/autograd/autograd.h>

namespace dagrad::libtorch {

const TorchTable& table() {
  static const TorchTable instance = [] {
    TorchTable t;
    for (const auto& add :
         {add_elementwise, add_movements, add_reductions, add_products, add_losses, add_windows, add_networks})
      add(t);
    return t;
  }();
  return instance;
}

TorchFunction of1(std::function<at::Tensor(const at::Tensor&)> f) {
  return [f = std::move(f)](const TorchTensors& in, const std::string&) { return TorchTensors{f(in[0])}; };
}
TorchFunction of2(std::function<at::Tensor(const at::Tensor&, const at::Tensor&)> f) {
  return [f = std::move(f)](const TorchTensors& in, const std::string&) { return TorchTensors{f(in[0], in[1])}; };
}
TorchFunction of3(std::function<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&)> f) {
  return
      [f = std::move(f)](const TorchTensors& in, const std::string&) { return TorchTensors{f(in[0], in[1], in[2])}; };
}

TorchFunction by_sample(Samples samples) {
  return [samples = std::move(samples)](const TorchTensors& in, const std::string& sample) {
    const auto found = samples.find(sample);
    return found == samples.end() ? TorchTensors{} : TorchTensors{found->second(in)};
  };
}

TorchFunction gradient_of(TorchFunction f, std::size_t input) {
  return [f = std::move(f), input](const TorchTensors& in, const std::string& sample) {
    const bool twice = at::GradMode::is_enabled();
    const at::AutoGradMode recording(true);
    TorchTensors inputs(in.begin() + 1, in.end());
    if (!inputs[input].requires_grad()) inputs[input] = inputs[input].detach().requires_grad_();
    const TorchTensors results = f(inputs, sample);
    if (results.empty()) return TorchTensors{};
    return torch::autograd::grad({results[0]}, {inputs[input]}, {in[0]}, /*retain_graph=*/twice,
                                 /*create_graph=*/twice);
  };
}

at::Tensor adjoint(const at::Tensor& diff, at::IntArrayRef shape,
                   const std::function<at::Tensor(const at::Tensor&)>& f) {
  const bool twice = at::GradMode::is_enabled();
  const at::AutoGradMode recording(true);
  const at::Tensor x = at::zeros(shape, diff.options()).requires_grad_();
  return torch::autograd::grad({f(x)}, {x}, {diff}, twice, twice)[0];
}

}  // namespace dagrad::libtorch
