#include "dagrad/nn/bilinear.h"

#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/ops/bilinear.h"

namespace dagrad::nn {

Bilinear::Bilinear(std::int64_t in1, std::int64_t in2, std::int64_t out, bool with_bias) {
  if (in1 < 1 || in2 < 1 || out < 1) {
    throw ShapeError(fmt::format("Bilinear: in1 is {}, in2 is {}, out is {} (want all at least 1)", in1, in2, out));
  }
  const double bound = 1 / std::sqrt(static_cast<double>(in1));
  weight = parameter(uniform({out, in1, in2}, -bound, bound));
  if (with_bias) bias = parameter(uniform({out}, -bound, bound));
}

Tensor Bilinear::forward(const Tensor& a, const Tensor& b) { return bilinear(a, b, weight, bias); }

void Bilinear::parts(Parts& p) {
  p.parameter("weight", weight);
  p.parameter("bias", bias);
}

std::string Bilinear::describe() const {
  return fmt::format("Bilinear({}, {}, {}{})", weight.size(1), weight.size(2), weight.size(0),
                     bias.defined() ? "" : ", bias=false");
}

}  // namespace dagrad::nn
