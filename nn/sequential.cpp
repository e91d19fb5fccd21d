#include "dagrad/nn/sequential.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/convolution.h"
#include "dagrad/nn/failing_module.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/normalization.h"

namespace dagrad::nn {

using detail::Role;

Module& Sequential::add(AnyModule module) {
  Module& added = *children_.emplace_back(std::move(module));
  roles_.push_back(detail::role_of(added));
  return added;
}

Module& Sequential::operator[](std::size_t i) {
  if (i >= children_.size()) throw UsageError(fmt::format("Sequential: index {} (want below {})", i, children_.size()));
  return *children_[i];
}

void Sequential::parts(Parts& p) {
  for (std::size_t i = 0; i < children_.size(); ++i) p.module(std::to_string(i), *children_[i]);
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor result = x;
  if (ForwardObserver::watching()) {  // it wants to see every module
    for (const AnyModule& child : children_) result = child(result);
    return result;
  }
  for (std::size_t i = 0; i < children_.size();) {
    std::size_t count = 1;
    result = fused(i, result, count);
    i += count;
  }
  return result;
}

Tensor Sequential::fused(std::size_t i, const Tensor& x, std::size_t& count) {
  const auto role = [&](std::size_t k) { return k < children_.size() ? roles_[k] : Role::other; };
  if (role(i) == Role::linear) {
    auto& layer = static_cast<Linear&>(*children_[i]);
    detail::Folded used{layer.weight, layer.bias};
    if (x.dim() == 2 && role(i + 1) == Role::batch_norm && fold(i, used.weight, used.bias)) ++count;
    const auto activation = detail::activation_of(role(i + count));
    if (count > 1 || activation) {
      if (activation) ++count;
      return run_as(layer, [&] {
        return activation ? linear(x, used.weight, used.bias, *activation) : linear(x, used.weight, used.bias);
      });
    }
  } else if (role(i) == Role::convolution && role(i + 1) == Role::batch_norm) {
    Convolution layer = static_cast<const Convolution&>(*children_[i]);
    if (x.dim() == layer.weight.dim() && fold(i, layer.weight, layer.bias)) {
      ++count;
      return layer(x);  // a copy under the same name
    }
  } else if (role(i) == Role::relu && role(i + 1) == Role::max_pool) {
    Module& pool = *children_[i + 1];
    ++count;
    return run_as(pool, [&] { return detail::max_pool_of_relu(pool, x); });
  } else if (role(i) == Role::batch_norm && role(i + 1) == Role::relu && role(i + 2) != Role::max_pool) {
    auto& norm = static_cast<BatchNorm&>(*children_[i]);
    if (!norm.options.activation) {
      ++count;
      return run_as(norm, [&] { return norm.forward(x, Activation::relu); });
    }
  }
  return children_[i](x);
}

bool Sequential::fold(std::size_t i, Tensor& weight, Tensor& bias) {
  const auto& norm = static_cast<const BatchNorm&>(*children_[i + 1]);
  // Gradients have to reach the norm's own parameters, and bf16 would round the products a second time.
  if (grad_enabled() || norm.is_training() || !norm.running_mean.defined() || norm.options.activation) return false;
  if (weight.dtype() == bf16 || weight.size(0) != norm.running_mean.numel() || !norm.takes(weight.dim())) return false;
  const detail::Folded folded = folds_.get(i, weight, bias, norm);
  weight = folded.weight;
  bias = folded.bias;
  return true;
}

}  // namespace dagrad::nn
