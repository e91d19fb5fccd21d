#include "dagrad/ops/zero_padding.h"

#include <algorithm>
#include <cmath>

#include "dagrad/core/copy.h"

namespace dagrad::zero_padding {
namespace {

using Geometry = onednn::ConvolutionGeometry;

bool is_padded(const Geometry& geometry) {
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(geometry.axes); ++axis) {
    if (geometry.before[axis] != 0 || geometry.after[axis] != 0) return true;
  }
  return false;
}

/// Whether all of `count` elements from `offset` on, `step` from one to the next, are finite.
bool are_finite(const Tensor& t, std::int64_t offset, std::int64_t step, std::int64_t count) {
  bool finite = true;
  visit_dtype(t.dtype(), [&]<class T>(T) {
    if constexpr (!std::is_same_v<T, bool>) {
      const T* elements = t.data<T>() + offset;
      for (std::int64_t i = 0; i < count && finite; ++i) finite = std::isfinite(convert_to<double>(elements[i * step]));
    }
  });
  return finite;
}

bool is_finite(const Tensor& t) {
  const Tensor in_line = contiguous_data(t);
  return are_finite(in_line, 0, 1, in_line.numel());
}

/// The position in dst, of the first sample, of a window that lies within the source; -1 where there is none.
std::int64_t window_inside(const Geometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& dst) {
  std::int64_t at = 0;
  for (int axis = 2; axis < src.dim(); ++axis) {
    const auto k = static_cast<std::size_t>(axis - 2);
    const std::int64_t first = (geometry.before[k] + geometry.stride[k] - 1) / geometry.stride[k];
    const std::int64_t end =
        first * geometry.stride[k] - geometry.before[k] + geometry.dilation[k] * (weights.shape()[axis] - 1) + 1;
    if (end > src.shape()[axis] || first >= dst.shape()[axis]) return -1;
    at += first * dst.strides()[axis];
  }
  return at;
}

}  // namespace

bool meets_nonfinite_weights(const Geometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& dst) {
  if (!is_padded(geometry)) return false;
  const std::int64_t inside = window_inside(geometry, src, weights, dst);
  if (inside >= 0 && are_finite(dst, inside, dst.strides()[1], dst.size(1))) return false;
  return !is_finite(weights);
}

bool meets_nonfinite_diff(const Geometry& geometry, const Tensor& diff_bias) {
  return is_padded(geometry) && !is_finite(diff_bias);
}

bool mistakes_padding(const Geometry& geometry, const Tensor& src, const Tensor& weights) {
  for (int axis = 2; axis < src.dim(); ++axis) {
    const auto k = static_cast<std::size_t>(axis - 2);
    const std::int64_t reach = (weights.shape()[axis] - 1) * geometry.dilation[k] + 1;
    const bool is_padded = geometry.before[k] != 0 || geometry.after[k] != 0;
    if (!is_padded) continue;
    if (src.shape()[axis] < std::max(reach, geometry.stride[k])) return true;
    if (geometry.axes == 3 && axis == 2 && geometry.stride[k] > 1) return true;
  }
  return false;
}

Padded padded(const Geometry& geometry, const Tensor& src) {
  Padded result{geometry, {}};
  Shape shape = src.shape();
  for (int axis = 2; axis < src.dim(); ++axis) {
    const auto k = static_cast<std::size_t>(axis - 2);
    shape[axis] += geometry.before[k] + geometry.after[k];
    result.geometry.before[k] = result.geometry.after[k] = 0;
  }
  result.src = Tensor::allocate({shape, src.dtype(), Format::channels_last});
  result.src.zero_();
  std::int64_t offset = result.src.offset();
  for (int axis = 2; axis < src.dim(); ++axis)
    offset += geometry.before[static_cast<std::size_t>(axis - 2)] * result.src.strides()[axis];
  Tensor middle = result.src.alias(src.shape(), result.src.strides(), offset);
  copy_elements(src, middle);
  return result;
}

}  // namespace dagrad::zero_padding
