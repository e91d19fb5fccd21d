// Normalizations as values of one type, which can be chosen by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/nn/any_module.h"

namespace dagrad::nn {

enum class NormKind : std::uint8_t { none, batch, layer, group, instance, rms };

/// Where a normalization stands.
enum class NormPlace : std::uint8_t { before_activation, after_activation };

/// "none", "batch", "layer", ...
std::vector<std::string> norm_names();
std::string_view name_of(NormKind kind);
/// The kind of that name, whatever its case. Throws UsageError that lists the names.
NormKind norm_kind(std::string_view name);

/// A module that normalizes [N, channels] or, with spatial axes (1 to 3), [N, channels, spatial...]; layer is then a
/// group norm with one group, over a whole sample. `groups` is that of group. Throws UsageError for instance without
/// spatial axes and rms with them.
AnyModule make_norm(NormKind kind, std::int64_t channels, int spatial_axes = 0, std::int64_t groups = 4);

/// Whether it takes away what a bias for each channel adds, so that a layer right before it needs none.
bool removes_bias(NormKind kind);

}  // namespace dagrad::nn
