#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include "compare_ops/sides.h"
#include "libtorch/bridge.h"
#include "libtorch/torch_table.h"

namespace dagrad::compare_ops {
namespace {

using libtorch::TorchFunction;
using libtorch::TorchTensors;
using op_table::Row;
using op_table::Sample;

at::Tensor view_of(Tensor t) {
  const std::vector<std::int64_t> sizes(t.shape().begin(), t.shape().end());
  return at::from_blob(t.mutable_raw_data(), sizes, at::TensorOptions(libtorch::scalar_type(t.dtype())));
}

op_table::Arrays arrays_of(const TorchTensors& tensors) {
  op_table::Arrays arrays;
  for (const at::Tensor& t : tensors) arrays.push_back(libtorch::from_torch(t));
  return arrays;
}

struct Prepared {
  const TorchFunction& function;
  std::string sample;
  TorchTensors inputs = {};
  TorchTensors wanted = {};
  TorchTensors diff = {};

  TorchTensors forward() const {
    const at::NoGradGuard guard;
    return function(inputs, sample);
  }

  TorchTensors recorded() const {
    TorchTensors results = function(inputs, sample);
    std::erase_if(results, [](const at::Tensor& t) { return !t.requires_grad(); });
    return results;
  }
  TorchTensors step() const {
    return torch::autograd::grad(recorded(), wanted, diff, {}, false, /*allow_unused=*/true);
  }
  op_table::Arrays gradients() const {
    TorchTensors found = step();
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i].defined()) found[i] = at::zeros_like(wanted[i]);
    }
    return arrays_of(found);
  }
};

/// Why libtorch cannot do it; empty: it can.
std::string exception(const Row& row, Kind kind) {
  const auto& list = libtorch::not_in_libtorch();
  if (const auto found = list.find(row.name); found != list.end() && !libtorch::draws_in_libtorch(row.name))
    return found->second;
  const auto found = list.find("gradient of " + row.name);
  return kind == Kind::step && found != list.end() ? found->second : "";
}

}  // namespace

std::optional<Side> libtorch_side(const Row& row, const Sample& sample, const std::vector<Tensor>& inputs,
                                  const std::vector<Tensor>& diff, Kind kind, std::string& why_not) {
  why_not = exception(row, kind);
  if (!why_not.empty()) return {};
  why_not = "no function of libtorch for this sample";
  const auto found = libtorch::benchmark_table().find(row.name);
  if (found == libtorch::benchmark_table().end()) return {};
  Prepared p{found->second, sample.name};
  for (const Tensor& input : inputs) p.inputs.push_back(view_of(input));
  if (p.forward().empty()) return {};
  if (kind == Kind::forward) return Side{[p] { p.forward(); }, [p] { return arrays_of(p.forward()); }};

  for (at::Tensor& input : p.inputs) {
    if (input.is_floating_point()) p.wanted.push_back(input.requires_grad_());
  }
  const TorchTensors results = p.function(p.inputs, p.sample);
  for (std::size_t k = 0; k < std::min(results.size(), diff.size()); ++k) {
    if (results[k].requires_grad()) p.diff.push_back(view_of(diff[k]));
  }
  why_not = "no gradient in libtorch";
  if (p.diff.empty()) return {};
  return Side{[p] { p.step(); }, [p] { return p.gradients(); }};
}

bool draws(const Row& row) { return libtorch::draws_in_libtorch(row.name); }

void set_libtorch_threads(int threads) { at::set_num_threads(threads); }

}  // namespace dagrad::compare_ops
