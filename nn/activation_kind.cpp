#include "dagrad/nn/activation_kind.h"

#include <array>

#include "dagrad/nn/activations.h"
#include "dagrad/nn/containers.h"
#include "dagrad/nn/kind_names.h"
#include "dagrad/nn/layers.h"

namespace dagrad::nn {
namespace {

using Kind = ActivationKind;

constexpr std::array<std::pair<Kind, const char*>, 19> kNames{{{Kind::none, "none"},
                                                               {Kind::relu, "relu"},
                                                               {Kind::leaky_relu, "leaky_relu"},
                                                               {Kind::prelu, "prelu"},
                                                               {Kind::relu6, "relu6"},
                                                               {Kind::elu, "elu"},
                                                               {Kind::selu, "selu"},
                                                               {Kind::gelu, "gelu"},
                                                               {Kind::gelu_tanh, "gelu_tanh"},
                                                               {Kind::silu, "silu"},
                                                               {Kind::silu, "swish"},
                                                               {Kind::mish, "mish"},
                                                               {Kind::softplus, "softplus"},
                                                               {Kind::sigmoid, "sigmoid"},
                                                               {Kind::log_sigmoid, "log_sigmoid"},
                                                               {Kind::hard_sigmoid, "hard_sigmoid"},
                                                               {Kind::hard_swish, "hard_swish"},
                                                               {Kind::tanh, "tanh"},
                                                               {Kind::hard_tanh, "hard_tanh"}}};

}  // namespace

std::vector<std::string> activation_names() { return detail::names_of_all<Kind>(kNames); }
std::string_view name_of(ActivationKind kind) { return detail::first_name<Kind>(kind, kNames); }
ActivationKind activation_kind(std::string_view name) { return detail::kind_named<Kind>("activation", name, kNames); }

AnyModule make_activation(ActivationKind kind, std::int64_t channels) {
  switch (kind) {
    case Kind::none: break;
    case Kind::relu: return ReLU();
    case Kind::leaky_relu: return LeakyReLU();
    case Kind::prelu: return PReLU(channels);
    case Kind::relu6: return ReLU6();
    case Kind::elu: return ELU();
    case Kind::selu: return SELU();
    case Kind::gelu: return GELU();
    case Kind::gelu_tanh: return GELU(GELU::Approximate::tanh);
    case Kind::silu: return SiLU();
    case Kind::mish: return Mish();
    case Kind::softplus: return Softplus();
    case Kind::sigmoid: return Sigmoid();
    case Kind::log_sigmoid: return LogSigmoid();
    case Kind::hard_sigmoid: return Hardsigmoid();
    case Kind::hard_swish: return Hardswish();
    case Kind::tanh: return Tanh();
    case Kind::hard_tanh: return Hardtanh();
  }
  return Identity();
}

init::Nonlinearity nonlinearity_of(ActivationKind kind) {
  switch (kind) {
    case Kind::none: return init::Nonlinearity::linear;
    case Kind::leaky_relu: return init::Nonlinearity::leaky_relu;
    case Kind::selu: return init::Nonlinearity::selu;
    case Kind::sigmoid:
    case Kind::log_sigmoid:
    case Kind::hard_sigmoid: return init::Nonlinearity::sigmoid;
    case Kind::tanh:
    case Kind::hard_tanh: return init::Nonlinearity::tanh;
    default: return init::Nonlinearity::relu;
  }
}

}  // namespace dagrad::nn
