// Activation functions as values of one type, which can be chosen by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/nn/any_module.h"
#include "dagrad/nn/init.h"

namespace dagrad::nn {

/// Every activation of nn/activations.h, with its default parameters; `none` is the identity.
enum class ActivationKind : std::uint8_t {
  none,
  relu,
  leaky_relu,
  prelu,
  relu6,
  elu,
  selu,
  gelu,
  gelu_tanh,
  silu,
  mish,
  softplus,
  sigmoid,
  log_sigmoid,
  hard_sigmoid,
  hard_swish,
  tanh,
  hard_tanh,
};

/// "none", "relu", "leaky_relu", ...: the functions' names in ops.
std::vector<std::string> activation_names();
std::string_view name_of(ActivationKind kind);
/// The kind of that name, whatever its case, dashes and underscores ("LeakyReLU"); "swish" is silu. Throws UsageError
/// that lists the names.
ActivationKind activation_kind(std::string_view name);

/// A module of that kind; PReLU learns one slope for each of `channels`.
AnyModule make_activation(ActivationKind kind, std::int64_t channels = 1);

/// The nonlinearity that initialisation makes up for; what is like relu for large x (gelu, silu, ...) counts as relu.
init::Nonlinearity nonlinearity_of(ActivationKind kind);

}  // namespace dagrad::nn
