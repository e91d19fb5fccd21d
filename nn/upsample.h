// A layer that resizes.
#pragma once

#include <string>
#include <utility>

#include "dagrad/nn/module.h"
#include "dagrad/ops/interpolate.h"

namespace dagrad::nn {

/// interpolate(x, options): `Upsample({.scale_factor = {2}, .mode = InterpolateMode::bilinear})`. As
/// torch.nn.Upsample, which can make images smaller, too.
class Upsample : public Module {
 public:
  explicit Upsample(InterpolateOptions options_in) : options(std::move(options_in)) {}
  /// To sizes, by nearest elements.
  explicit Upsample(const PerAxis& size) : options{.size = size} {}
  Tensor forward(const Tensor& x) override { return interpolate(x, options); }
  std::string describe() const override;

  InterpolateOptions options;
};

}  // namespace dagrad::nn
