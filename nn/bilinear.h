// A bilinear layer.
#pragma once

#include <cstdint>
#include <string>

#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// y[..., o] = sum_ij a[..., i] weight[o, i, j] b[..., j] + bias[o]. Both parameters start as
/// U(-1/sqrt(in1), 1/sqrt(in1)).
class Bilinear : public Module {
 public:
  /// Throws ShapeError unless all sizes are at least 1.
  Bilinear(std::int64_t in1, std::int64_t in2, std::int64_t out, bool with_bias = true);
  Tensor forward(const Tensor& a, const Tensor& b);
  void parts(Parts& p) override;
  std::string describe() const override;

  Tensor operator()(const Tensor& a, const Tensor& b) { return forward(a, b); }

  Tensor weight;  ///< [out, in1, in2]
  Tensor bias;    ///< [out], undefined without one

 private:
  using Module::forward;
};

}  // namespace dagrad::nn
