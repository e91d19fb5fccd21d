// Where the windows of a pooling lie. Internal.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace dagrad::pooling {

/// An element under a window.
struct Tap {
  std::int64_t source;  // its position in the plane (or line, or volume) of the source
  std::int32_t number;  // its row-major number within the window
};

/// The windows over up to three spatial axes; axes that are not there have one element and one window.
struct Windows {
  using Sizes = std::array<std::int64_t, 3>;
  Sizes in{1, 1, 1}, out{1, 1, 1};
  Sizes kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, before{};
  bool adaptive = false;  // windows that share the axis evenly; then `kernel` is the largest one's size

  static std::int64_t volume(const Sizes& sizes) { return sizes[0] * sizes[1] * sizes[2]; }
  std::int64_t in_volume() const { return volume(in); }
  std::int64_t out_volume() const { return volume(out); }
  std::int64_t kernel_volume() const { return volume(kernel); }

  std::int64_t begin(std::size_t axis, std::int64_t p) const {
    return adaptive ? p * in[axis] / out[axis] : p * stride[axis] - before[axis];
  }
  std::int64_t length(std::size_t axis, std::int64_t p) const {
    return adaptive ? ((p + 1) * in[axis] + out[axis] - 1) / out[axis] - begin(axis, p) : kernel[axis];
  }

  /// Whether every element is under exactly one window.
  bool partition() const {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const bool tiles = adaptive ? in[axis] % out[axis] == 0
                                  : before[axis] == 0 && dilation[axis] == 1 && stride[axis] == kernel[axis] &&
                                        out[axis] * kernel[axis] == in[axis];
      if (!tiles) return false;
    }
    return true;
  }

  /// The position of window `p` along each axis.
  Sizes position(std::int64_t p) const { return {p / (out[2] * out[1]), p / out[2] % out[1], p % out[2]}; }

  /// The elements under window `p` (its padding left out) into `taps`, which has room for kernel_volume(). Returns how
  /// many.
  std::size_t taps_of(std::int64_t p, Tap* taps) const { return taps_at(position(p), taps); }
  std::size_t taps_at(const Sizes& at, Tap* taps) const {
    const Sizes from{begin(0, at[0]), begin(1, at[1]), begin(2, at[2])};
    const Sizes count{length(0, at[0]), length(1, at[1]), length(2, at[2])};
    std::size_t n = 0;
    for (std::int64_t k = 0; k < count[0]; ++k) {
      const std::int64_t z = from[0] + k * dilation[0];
      if (z < 0 || z >= in[0]) continue;
      for (std::int64_t j = 0; j < count[1]; ++j) {
        const std::int64_t y = from[1] + j * dilation[1];
        if (y < 0 || y >= in[1]) continue;
        for (std::int64_t i = 0; i < count[2]; ++i) {
          const std::int64_t x = from[2] + i * dilation[2];
          if (x < 0 || x >= in[2]) continue;
          taps[n++] = {(z * in[1] + y) * in[2] + x, static_cast<std::int32_t>((k * kernel[1] + j) * kernel[2] + i)};
        }
      }
    }
    return n;
  }

  /// Along an axis, the windows `first` to `end - 1` have no padding and look alike; none do where they share the axis
  /// evenly.
  struct Range {
    std::int64_t first = 0, end = 0;
  };
  Range inner(std::size_t axis) const {
    if (adaptive) return {};
    const std::int64_t reach = dilation[axis] * (kernel[axis] - 1) + 1, last = in[axis] + before[axis] - reach;
    if (last < 0) return {};
    return {(before[axis] + stride[axis] - 1) / stride[axis], std::min(out[axis], last / stride[axis] + 1)};
  }
  /// Where the first element of an inner window is.
  std::int64_t origin(const Sizes& at) const {
    return (begin(0, at[0]) * in[1] + begin(1, at[1])) * in[2] + begin(2, at[2]);
  }

  /// The source position of element `number` of window `p`.
  std::int64_t source(std::int64_t p, std::int64_t number) const {
    const Sizes at = position(p);
    const std::int64_t z = begin(0, at[0]) + number / (kernel[2] * kernel[1]) * dilation[0];
    const std::int64_t y = begin(1, at[1]) + number / kernel[2] % kernel[1] * dilation[1];
    const std::int64_t x = begin(2, at[2]) + number % kernel[2] * dilation[2];
    return (z * in[1] + y) * in[2] + x;
  }
};

}  // namespace dagrad::pooling
