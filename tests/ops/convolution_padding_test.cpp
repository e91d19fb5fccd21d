// Gradients of weights where oneDNN 2.6 reads beyond a padded source: see zero_padding::mistakes_padding().
#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <vector>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/random.h"
#include "dagrad/ops/convolution.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

/// Along the axis at hand; the others have six elements and windows of two.
struct Geometry {
  int axes, axis;
  std::int64_t size, kernel, stride, padding;
};

std::vector<double> weight_gradient(const Geometry& g, DType dtype) {
  Generator generator(1);
  Shape src_shape{3, 16}, weights_shape{16, 16};
  std::array<std::int64_t, 3> stride{1, 1, 1}, padding{};
  for (int axis = 0; axis < g.axes; ++axis) {
    src_shape.push_back(axis == g.axis ? g.size : 6);
    weights_shape.push_back(axis == g.axis ? g.kernel : 2);
  }
  stride[static_cast<std::size_t>(g.axis)] = g.stride;
  padding[static_cast<std::size_t>(g.axis)] = g.padding;
  // Numbers that bf16 holds.
  const Tensor src = to(randn(src_shape, bf16, generator), dtype);
  const Tensor weights = zeros(weights_shape, dtype).requires_grad_();
  Tensor dst;
  switch (g.axes) {
    case 1: dst = conv1d(src, weights, {}, {.stride = stride[0], .padding = padding[0]}); break;
    case 2:
      dst = conv2d(src, weights, {}, {.stride = {stride[0], stride[1]}, .padding = {padding[0], padding[1]}});
      break;
    default:
      dst = conv3d(src, weights, {},
                   {.stride = {stride[0], stride[1], stride[2]}, .padding = {padding[0], padding[1], padding[2]}});
  }
  dst.backward(ones(dst.shape(), dtype));
  return weights.grad().to_vector<double>();
}

TEST(ConvolutionPadding, IsZerosAlsoWhereWindowsExceedTheSource) {
  const std::vector<Geometry> geometries{
      {1, 0, 1, 3, 2, 1}, {1, 0, 2, 2, 3, 1}, {1, 0, 4, 3, 5, 2}, {2, 1, 1, 2, 2, 1},
      {2, 1, 1, 5, 3, 2}, {2, 1, 2, 3, 3, 2}, {2, 0, 1, 3, 2, 1}, {3, 0, 2, 2, 2, 1},
      {3, 0, 3, 3, 2, 1}, {3, 0, 2, 5, 2, 4}, {3, 0, 5, 5, 3, 4}, {3, 2, 1, 3, 2, 1},
  };
  for (const Geometry& g : geometries) {
    const std::vector<double> want = weight_gradient(g, f64);
    for (const DType dtype : {f32, bf16}) {
      SCOPED_TRACE(fmt::format("{}: axis {} of {}, size {}, kernel {}, stride {}, padding {}", name_of(dtype), g.axis,
                               g.axes, g.size, g.kernel, g.stride, g.padding));
      const std::vector<double> got = weight_gradient(g, dtype);
      double largest = 0;
      for (const double x : want) largest = std::max(largest, std::abs(x));
      for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 0.01 * largest) << "element " << i;
    }
  }
}

}  // namespace
}  // namespace dagrad
