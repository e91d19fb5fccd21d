#include "dagrad/nn/init_kind.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/convolution.h"
#include "dagrad/nn/kind_names.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/recurrent.h"
#include "dagrad/ops/view.h"

namespace dagrad::nn {
namespace {

using Kind = InitKind;

constexpr std::array<std::pair<Kind, const char*>, 21> kNames{{{Kind::standard, "standard"},
                                                               {Kind::zeros, "zeros"},
                                                               {Kind::constant, "constant"},
                                                               {Kind::normal, "normal"},
                                                               {Kind::truncated_normal, "truncated_normal"},
                                                               {Kind::uniform, "uniform"},
                                                               {Kind::xavier_normal, "xavier_normal"},
                                                               {Kind::xavier_uniform, "xavier_uniform"},
                                                               {Kind::xavier_uniform, "xavier"},
                                                               {Kind::xavier_uniform, "glorot"},
                                                               {Kind::xavier_fan_in, "xavier_fan_in"},
                                                               {Kind::he_normal, "he_normal"},
                                                               {Kind::he_normal, "he"},
                                                               {Kind::he_normal, "kaiming"},
                                                               {Kind::he_uniform, "he_uniform"},
                                                               {Kind::he_normal_fan_out, "he_normal_fan_out"},
                                                               {Kind::he_uniform_fan_out, "he_uniform_fan_out"},
                                                               {Kind::lecun_normal, "lecun_normal"},
                                                               {Kind::lecun_normal, "lecun"},
                                                               {Kind::lecun_uniform, "lecun_uniform"},
                                                               {Kind::orthogonal, "orthogonal"}}};

bool takes_value(Kind kind) {
  return kind == Kind::constant || kind == Kind::normal || kind == Kind::truncated_normal || kind == Kind::uniform ||
         kind == Kind::orthogonal;
}

void check(const WeightInit& init) {
  if (!init.value) return;
  if (!takes_value(init.kind)) {
    throw UsageError(
        fmt::format("init: {} with the value {} (want none: constant, normal, truncated_normal, uniform "
                    "and orthogonal take one)",
                    name_of(init.kind), *init.value));
  }
  const bool spread = init.kind != Kind::constant && init.kind != Kind::orthogonal;
  if (!std::isfinite(*init.value) || (spread && *init.value <= 0))
    throw UsageError(fmt::format("init: {} with the value {} (want a finite number{})", name_of(init.kind), *init.value,
                                 spread ? " above 0" : ""));
}

/// He's rules by the activation and the side that keeps its variance.
init::KaimingOptions kaiming(ActivationKind activation, init::Mode mode) {
  return {.a = 0.01, .mode = mode, .nonlinearity = nonlinearity_of(activation)};
}

/// `weight` in blocks of `rows`, one for each gate.
void initialise_gates(Tensor& weight, std::int64_t rows, const WeightInit& init) {
  const NoGrad guard;
  for (std::int64_t row = 0; row < weight.size(0); row += rows) {
    Tensor gate = narrow(weight, 0, row, rows);
    Tensor values = clone(gate);
    initialise_(values, init, ActivationKind::tanh);
    gate.copy_(values);
  }
}

void clear(Tensor& bias) {
  if (bias.defined()) init::zeros_(bias);
}

void initialise_gates(RecurrentWeights& weights, const WeightInit& init) {
  const std::int64_t hidden = weights.weight_hh.size(1);
  initialise_gates(weights.weight_ih, hidden, init);
  initialise_gates(weights.weight_hh, hidden, init);
  clear(weights.bias_ih);
  clear(weights.bias_hh);
}

}  // namespace

std::vector<std::string> init_names() { return detail::names_of_all<Kind>(kNames); }
std::string_view name_of(InitKind kind) { return detail::first_name<Kind>(kind, kNames); }
InitKind init_kind(std::string_view name) { return detail::kind_named<Kind>("init", name, kNames); }

WeightInit weight_init(std::string_view text) {
  const std::size_t colon = text.find(':');
  WeightInit init = init_kind(text.substr(0, colon));
  if (colon != std::string_view::npos) {
    const std::string_view number = text.substr(colon + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size())
      throw UsageError(fmt::format("init: '{}' in '{}' (want a number)", number, text));
    init.value = value;
  }
  check(init);
  return init;
}

void initialise_(Tensor& weight, const WeightInit& init, ActivationKind activation, Generator& generator) {
  check(init);
  using init::Mode;
  switch (init.kind) {
    case Kind::standard: return;
    case Kind::zeros: init::zeros_(weight); return;
    case Kind::constant: init::constant_(weight, init.value.value_or(0.1)); return;
    case Kind::normal: init::normal_(weight, 0, init.value.value_or(0.01), generator); return;
    case Kind::truncated_normal: {
      const double std = init.value.value_or(0.02);
      init::trunc_normal_(weight, 0, std, -2 * std, 2 * std, generator);
      return;
    }
    case Kind::uniform:
      if (init.value)
        init::uniform_(weight, -*init.value, *init.value, generator);
      else
        init::fan_in_uniform_(weight, generator);
      return;
    case Kind::xavier_normal: init::xavier_normal_(weight, 1, generator); return;
    case Kind::xavier_uniform: init::xavier_uniform_(weight, 1, generator); return;
    case Kind::xavier_fan_in:
    case Kind::lecun_normal: init::lecun_normal_(weight, generator); return;
    case Kind::lecun_uniform: init::lecun_uniform_(weight, generator); return;
    case Kind::he_normal: init::kaiming_normal_(weight, kaiming(activation, Mode::fan_in), generator); return;
    case Kind::he_uniform: init::kaiming_uniform_(weight, kaiming(activation, Mode::fan_in), generator); return;
    case Kind::he_normal_fan_out: init::kaiming_normal_(weight, kaiming(activation, Mode::fan_out), generator); return;
    case Kind::he_uniform_fan_out:
      init::kaiming_uniform_(weight, kaiming(activation, Mode::fan_out), generator);
      return;
    case Kind::orthogonal:
      init::orthogonal_(weight, init.value.value_or(init::calculate_gain(nonlinearity_of(activation))), generator);
      return;
  }
}

void initialise(Module& module, const WeightInit& init, ActivationKind activation) {
  check(init);
  if (init.kind == Kind::standard) return;
  const auto layer = [&](auto& part) {
    initialise_(part.weight, init, activation);
    clear(part.bias);
  };
  apply_to<Linear>(module, layer);
  apply_to<Convolution>(module, layer);
  apply_to<ConvolutionTranspose>(module, layer);
  apply_to<RecurrentNetwork>(module, [&](RecurrentNetwork& part) {
    for (RecurrentWeights& weights : part.weights) initialise_gates(weights, init);
  });
  apply_to<RecurrentCell>(module, [&](RecurrentCell& part) { initialise_gates(part.weights, init); });
}

}  // namespace dagrad::nn
