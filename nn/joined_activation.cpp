#include "dagrad/nn/joined_activation.h"

#include <typeinfo>
#include <utility>

#include "dagrad/nn/layers.h"
#include "dagrad/nn/normalization.h"

namespace dagrad::nn {
namespace {

thread_local std::optional<Activation> joined;

std::optional<Activation> activation_of(const Module& module) {
  const std::type_info& type = typeid(module);
  if (type == typeid(ReLU)) return Activation::relu;
  if (type == typeid(Tanh)) return Activation::tanh;
  if (type == typeid(Sigmoid)) return Activation::sigmoid;
  return std::nullopt;
}

}  // namespace

// Classes that are derived from these may have another forward, so it is the very type that counts.
std::optional<Activation> joins(const Module& layer, const Module& next) {
  const std::type_info& type = typeid(layer);
  if (type == typeid(Linear)) return activation_of(next);
  if (type == typeid(BatchNorm1d) || type == typeid(BatchNorm2d) || type == typeid(BatchNorm3d)) {
    const auto& norm = static_cast<const BatchNorm&>(layer);
    return norm.options.activation ? std::nullopt : activation_of(next);
  }
  return std::nullopt;
}

JoinedActivation::JoinedActivation(Activation activation) { joined = activation; }
JoinedActivation::~JoinedActivation() { joined.reset(); }

std::optional<Activation> JoinedActivation::take() { return std::exchange(joined, std::nullopt); }

}  // namespace dagrad::nn
