#include "dagrad/nn/norm_kind.h"

#include <array>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/containers.h"
#include "dagrad/nn/kind_names.h"
#include "dagrad/nn/normalization.h"

namespace dagrad::nn {
namespace {

using Kind = NormKind;

constexpr std::array<std::pair<Kind, const char*>, 6> kNames{{{Kind::none, "none"},
                                                              {Kind::batch, "batch"},
                                                              {Kind::layer, "layer"},
                                                              {Kind::group, "group"},
                                                              {Kind::instance, "instance"},
                                                              {Kind::rms, "rms"}}};

}  // namespace

std::vector<std::string> norm_names() { return detail::names_of_all<Kind>(kNames); }
std::string_view name_of(NormKind kind) { return detail::first_name<Kind>(kind, kNames); }
NormKind norm_kind(std::string_view name) { return detail::kind_named<Kind>("norm", name, kNames); }

AnyModule make_norm(NormKind kind, std::int64_t channels, int spatial_axes, std::int64_t groups) {
  if (spatial_axes < 0 || spatial_axes > 3)
    throw UsageError(fmt::format("make_norm: {} spatial axes (want 0 to 3)", spatial_axes));
  switch (kind) {
    case Kind::none: break;
    case Kind::batch:
      if (spatial_axes < 2) return BatchNorm1d(channels);
      if (spatial_axes == 2) return BatchNorm2d(channels);
      return BatchNorm3d(channels);
    case Kind::layer:
      if (spatial_axes == 0) return LayerNorm({channels});
      return GroupNorm(1, channels);
    case Kind::group: return GroupNorm(groups, channels);
    case Kind::instance:
      if (spatial_axes == 1) return InstanceNorm1d(channels, {.affine = true});
      if (spatial_axes == 2) return InstanceNorm2d(channels, {.affine = true});
      if (spatial_axes == 3) return InstanceNorm3d(channels, {.affine = true});
      throw UsageError("make_norm: instance without spatial axes (want batch, layer, group or rms for [N, channels])");
    case Kind::rms:
      if (spatial_axes > 0) throw UsageError("make_norm: rms with spatial axes (want batch, layer, group or instance)");
      return RMSNorm({channels});
  }
  return Identity();
}

bool removes_bias(NormKind kind) { return kind == NormKind::batch || kind == NormKind::instance; }

}  // namespace dagrad::nn
