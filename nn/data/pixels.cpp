#include "dagrad/nn/data/pixels.h"

namespace dagrad::data {

Tensor pixels(const Tensor& bytes, const Shape& shape) {
  Tensor result = Tensor::allocate({shape, f32});
  const auto* from = bytes.data<std::uint8_t>();
  float* to = result.mutable_data<float>();
  for (std::int64_t i = 0; i < result.numel(); ++i) to[i] = static_cast<float>(from[i]) / 255.0f;
  return result;
}

}  // namespace dagrad::data
