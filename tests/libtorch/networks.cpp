// Normalizations and recurrent networks.
#include <optional>
#include <torch/csrc/autograd/autograd.h>

#include "libtorch/torch_table.h"

namespace dagrad::libtorch {
namespace {

using T = at::Tensor;
using In = const TorchTensors&;

/// Source, weight and bias as the name of the sample tells: `no_weight`, `no_bias` and `plain` lack some.
struct Affine {
  T x, weight, bias;
  Affine(In in, const std::string& sample) : x(in[0]) {
    const auto has = [&sample](const char* word) { return sample.find(word) != std::string::npos; };
    std::size_t next = 1;
    if (!has("plain") && !has("no_weight") && next < in.size()) weight = in[next++];
    if (!has("plain") && !has("no_bias") && next < in.size()) bias = in[next];
  }
};

/// The gradients of all of f's inputs, given diff_dst: of in[1] and so on, and of a bias of zeros where there is one.
TorchFunction gradients_of(TorchFunction f) {
  return [f = std::move(f)](In in, const std::string& sample) {
    const bool twice = at::GradMode::is_enabled();
    const at::AutoGradMode recording(true);
    TorchTensors inputs(in.begin() + 1, in.end());
    if (inputs.size() > 1 && sample.find("no_bias") == std::string::npos) inputs.push_back(at::zeros_like(inputs[1]));
    for (T& t : inputs) {
      if (!t.requires_grad()) t = t.detach().requires_grad_();
    }
    return torch::autograd::grad(f(inputs, sample), inputs, {in[0]}, twice, twice);
  };
}

T batch_norm(In in, const std::string& sample) {
  const Affine a(in, sample);
  const bool inference = sample.starts_with("inference");
  T mean, variance;
  if (inference) {
    // The estimates that op_table/normalization_rows.cpp makes up.
    const T channel = at::arange(a.x.size(1), at::kLong);
    mean = (0.25 * at::remainder(channel, 5).to(a.x.scalar_type()) - 0.5);
    variance = (0.5 + 0.25 * at::remainder(channel, 7).to(a.x.scalar_type()));
  }
  const T y = at::batch_norm(a.x, a.weight, a.bias, mean, variance, !inference, 0.1, 1e-5, false);
  const bool relu = sample.find("relu") != std::string::npos || sample == "inference_threads_4x9x31x17";
  return relu ? at::relu(y) : y;
}

T layer_norm(In in, const std::string& sample) {
  const Affine a(in, sample);
  const std::int64_t axes = sample.starts_with("two_axes") ? 2 : sample.starts_with("images") ? 3 : 1;
  return at::layer_norm(a.x, a.x.sizes().slice(static_cast<std::size_t>(a.x.dim() - axes)), a.weight, a.bias, 1e-5);
}

T group_norm(In in, const std::string& sample) {
  const Affine a(in, sample);
  std::int64_t groups = 2;
  if (sample.starts_with("one_group") || sample == "images_2x2x3x2" || sample.starts_with("blocks")) groups = 1;
  if (sample.starts_with("one_channel_each") || sample.starts_with("threads")) groups = 3;
  if (sample.starts_with("one_sample")) groups = 4;
  if (sample.starts_with("matrix_200x96")) groups = 8;
  return at::group_norm(a.x, groups, a.weight, a.bias, 1e-5);
}

T instance_norm(In in, const std::string& sample) {
  const Affine a(in, sample);
  return at::instance_norm(a.x, a.weight, a.bias, {}, {}, true, 0.1, 1e-5, false);
}

void add_normalizations(TorchTable& table) {
  const auto add = [&table](const std::string& name, T (*f)(In, const std::string&)) {
    table[name] = [f](In in, const std::string& sample) { return TorchTensors{f(in, sample)}; };
    table[name + "_backward"] = gradients_of(table[name]);
  };
  add("batch_norm", batch_norm);
  add("layer_norm", layer_norm);
  add("group_norm", group_norm);
  table["instance_norm"] = [](In in, const std::string& sample) { return TorchTensors{instance_norm(in, sample)}; };
}

/// networks() in op_table/recurrent_rows.cpp, as far as libtorch has them: it has no masks, and takes sequences of
/// other lengths only packed.
struct Network {
  std::int64_t hidden;
  bool biases = false, initial = false;
  std::int64_t layers = 1;
  bool bidirectional = false;
};
std::optional<Network> network_named(const std::string& sample) {
  static const std::map<std::string, Network> list{{"2x2x2_to_3", {3}},
                                                   {"one_1x1x1_to_1_biases_initial", {1, true, true}},
                                                   {"3x1x2_to_1_biases_initial", {1, true, true}},
                                                   {"no_batch_3x2_to_2", {2}},
                                                   {"no_rows_3x0x2_to_2", {2, true}},
                                                   {"no_inputs_3x2x0_to_2", {2, true}},
                                                   {"two_layers_2x2x1_to_1", {1, false, false, 2}},
                                                   {"no_batch_3_layers_6x3_to_5", {5, true, true, 3, true}},
                                                   {"tail_9x5x7_to_19", {19, true, true}},
                                                   {"threads_20x40x9_to_64", {64, true, true}}};
  const auto found = list.find(sample);
  if (found == list.end()) return {};
  return found->second;
}

enum class Cell { tanh, relu, lstm, gru };

TorchFunction recurrent(Cell cell) {
  return [cell](In in, const std::string& sample) -> TorchTensors {
    const std::optional<Network> n = network_named(sample);
    if (!n) return {};
    const bool batched = in[0].dim() == 3;
    const T x = batched ? in[0] : in[0].unsqueeze(1);
    const std::int64_t directions = n->bidirectional ? 2 : 1, sets = n->layers * directions;
    const auto count = static_cast<std::size_t>(sets * (n->biases ? 4 : 2));
    const TorchTensors weights(in.begin() + 1, in.begin() + 1 + static_cast<std::ptrdiff_t>(count));
    const auto state = [&](std::size_t i) {
      if (!n->initial) return at::zeros({sets, x.size(1), n->hidden}, x.options());
      return batched ? in[1 + count + i] : in[1 + count + i].unsqueeze(1);
    };
    TorchTensors results;
    if (cell == Cell::lstm) {
      const TorchTensors initial{state(0), state(1)};
      const auto [y, h, c] = at::lstm(x, initial, weights, n->biases, n->layers, 0, false, n->bidirectional, false);
      results = {y, h, c};
    } else {
      std::tuple<T, T> both;
      if (cell == Cell::gru)
        both = at::gru(x, state(0), weights, n->biases, n->layers, 0, false, n->bidirectional, false);
      else if (cell == Cell::tanh)
        both = at::rnn_tanh(x, state(0), weights, n->biases, n->layers, 0, false, n->bidirectional, false);
      else
        both = at::rnn_relu(x, state(0), weights, n->biases, n->layers, 0, false, n->bidirectional, false);
      results = {std::get<0>(both), std::get<1>(both)};
    }
    for (T& t : results) {
      if (!batched) t = t.squeeze(1);
    }
    return results;
  };
}

}  // namespace

void add_networks(TorchTable& table) {
  add_normalizations(table);
  table["rnn"] = recurrent(Cell::tanh);
  table["rnn_relu"] = recurrent(Cell::relu);
  table["lstm"] = recurrent(Cell::lstm);
  table["gru"] = recurrent(Cell::gru);
}

}  // namespace dagrad::libtorch
