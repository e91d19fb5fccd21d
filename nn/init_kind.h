// Initialisations as values of one type, which can be chosen by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/nn/activation_kind.h"
#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// How weights start: as their layer makes them (standard), or by a function of nn/init.h, biases then at 0.
enum class InitKind : std::uint8_t {
  standard,
  zeros,
  constant,          ///< every weight is `value`, 0.1
  normal,            ///< N(0, value^2), 0.01
  truncated_normal,  ///< the same within two deviations, 0.02
  uniform,           ///< U(-value, value), 1 / sqrt(fan in)
  xavier_normal,
  xavier_uniform,
  xavier_fan_in,  ///< N(0, 1 / fan in)
  he_normal,
  he_uniform,
  he_normal_fan_out,
  he_uniform_fan_out,
  lecun_normal,
  lecun_uniform,
  orthogonal,  ///< times value, the gain of the activation
};

/// A kind and its number, where it has one: `InitKind::he_normal`, `{InitKind::normal, 0.1}`.
struct WeightInit {
  // NOLINTNEXTLINE(google-explicit-constructor): a kind alone is an initialisation
  WeightInit(InitKind kind_in = InitKind::standard, std::optional<double> value_in = {})
      : kind(kind_in), value(value_in) {}
  InitKind kind;
  std::optional<double> value;  ///< none: as InitKind says
};

/// "standard", "zeros", "constant", ...
std::vector<std::string> init_names();
std::string_view name_of(InitKind kind);
/// The kind of that name, whatever its case, dashes and underscores; "he" and "kaiming" are he_normal, "xavier" and
/// "glorot" xavier_uniform, "lecun" lecun_normal. Throws UsageError that lists the names.
InitKind init_kind(std::string_view name);
/// The same with a number behind a colon, for the kinds that take one: "normal:0.1". Throws UsageError.
WeightInit weight_init(std::string_view text);

/// Fills `weight` [out, in, ...] in place and unrecorded, but not for `standard`. He's take their gain from the
/// activation that the layer's inputs come from. Throws UsageError for a value that the kind does not take.
void initialise_(Tensor& weight, const WeightInit& init, ActivationKind activation = ActivationKind::relu,
                 Generator& generator = default_generator());
/// The weights of every linear, convolutional and recurrent layer inside (of the latter each gate's by itself), and
/// their biases with zeros. `standard` changes nothing.
void initialise(Module& module, const WeightInit& init, ActivationKind activation = ActivationKind::relu);

}  // namespace dagrad::nn
