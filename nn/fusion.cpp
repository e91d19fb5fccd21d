#include "dagrad/nn/fusion.h"

#include <algorithm>
#include <array>
#include <typeinfo>

#include "dagrad/core/checkpoint.h"
#include "dagrad/core/watch.h"
#include "dagrad/nn/activations.h"
#include "dagrad/nn/convolution.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/normalization.h"
#include "dagrad/nn/pooling.h"

namespace dagrad::nn::detail {

Role role_of(const Module& module) {
  const std::type_info& type = typeid(module);
  if (type == typeid(Linear)) return Role::linear;
  if (type == typeid(Conv1d) || type == typeid(Conv2d) || type == typeid(Conv3d)) return Role::convolution;
  if (type == typeid(BatchNorm1d) || type == typeid(BatchNorm2d) || type == typeid(BatchNorm3d))
    return Role::batch_norm;
  if (type == typeid(MaxPool1d) || type == typeid(MaxPool2d) || type == typeid(MaxPool3d)) return Role::max_pool;
  if (type == typeid(ReLU)) return Role::relu;
  if (type == typeid(Tanh)) return Role::tanh;
  if (type == typeid(Sigmoid)) return Role::sigmoid;
  if (type == typeid(GELU) && static_cast<const GELU&>(module).approximate == GELU::Approximate::none)
    return Role::gelu;
  return Role::other;
}

std::optional<Activation> activation_of(Role role) {
  switch (role) {
    case Role::relu: return Activation::relu;
    case Role::tanh: return Activation::tanh;
    case Role::sigmoid: return Activation::sigmoid;
    case Role::gelu: return Activation::gelu;
    default: return std::nullopt;
  }
}

Tensor max_pool_of_relu(const Module& pool, const Tensor& x) {
  const auto options_of = []<class Pool>(const Pool& layer) {
    MaxPoolOptions options = layer.options;
    options.relu = true;
    return options;
  };
  const std::type_info& type = typeid(pool);
  if (type == typeid(MaxPool1d)) return max_pool1d(x, options_of(static_cast<const MaxPool1d&>(pool)));
  if (type == typeid(MaxPool2d)) return max_pool2d(x, options_of(static_cast<const MaxPool2d&>(pool)));
  return max_pool3d(x, options_of(static_cast<const MaxPool3d&>(pool)));
}

Folded FoldCache::get(std::size_t position, const Tensor& weight, const Tensor& bias, const BatchNorm& norm) {
  const std::array<Tensor, 6> wanted{weight, bias, norm.weight, norm.bias, norm.running_mean, norm.running_var};
  const auto same = [](const Source& known, const Tensor& now) {
    if (!known.tensor.defined() || !now.defined()) return known.tensor.defined() == now.defined();
    return known.tensor.is_same(now) && known.version == now.version();
  };
  // A recomputation perhaps computes nothing; a captured step has to fold in each replay.
  if (recomputing() || watched(Watch::capture)) {
    Folded folded{weight, bias};
    fold_batch_norm(norm, folded.weight, folded.bias);
    return folded;
  }
  const std::lock_guard lock(mutex_);
  auto at = std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e.first == position; });
  if (at == entries_.end()) at = entries_.emplace(entries_.end(), position, Entry());
  Entry& entry = at->second;
  if (!entry.sources.empty() && entry.eps == norm.options.eps &&
      std::equal(wanted.begin(), wanted.end(), entry.sources.begin(),
                 [&](const Tensor& now, const Source& known) { return same(known, now); }))
    return entry.folded;
  entry.sources.clear();
  for (const Tensor& t : wanted) entry.sources.push_back({t, t.defined() ? t.version() : 0});
  entry.eps = norm.options.eps;
  entry.folded = {weight, bias};
  fold_batch_norm(norm, entry.folded.weight, entry.folded.bias);
  return entry.folded;
}

}  // namespace dagrad::nn::detail
