// Pooling over one to three spatial axes.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/per_axis.h"

namespace dagrad {

// Sources are [N, C, spatial...] or [C, spatial...], f32, bf16 or f64; results are channels-last in memory. An axis of
// size s gives floor((s + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 windows, or with ceil_mode the ceiling,
// but none that begins beyond the source and its leading padding. Throws ShapeError, DTypeError or UsageError.

/// `max_pool2d(x, {.kernel = 3, .stride = 2, .padding = 1})`.
struct MaxPoolOptions {
  PerAxis kernel;
  std::optional<PerAxis> stride = {};  ///< the kernel when not given
  PerAxis padding = 0;                 ///< at most half the kernel; padding is never the largest
  PerAxis dilation = 1;
  bool ceil_mode = false;
  bool relu = false;  ///< pools max(0, src), at no cost and without keeping it
};

/// dst[n, c, p...] = the largest element of src[n, c] under window p. NaN is the largest. The gradient goes to the
/// element that was taken, of equals to the first.
Tensor max_pool1d(const Tensor& src, const MaxPoolOptions& options, Location where = Location::current());
Tensor max_pool2d(const Tensor& src, const MaxPoolOptions& options, Location where = Location::current());
Tensor max_pool3d(const Tensor& src, const MaxPoolOptions& options, Location where = Location::current());

/// The same with the row-major positions (i64) of what was taken in its line, plane or volume of the source; -1 where a
/// window saw padding only, or with relu nothing above 0.
std::pair<Tensor, Tensor> max_pool1d_with_indices(const Tensor& src, const MaxPoolOptions& options,
                                                  Location where = Location::current());
std::pair<Tensor, Tensor> max_pool2d_with_indices(const Tensor& src, const MaxPoolOptions& options,
                                                  Location where = Location::current());
std::pair<Tensor, Tensor> max_pool3d_with_indices(const Tensor& src, const MaxPoolOptions& options,
                                                  Location where = Location::current());

/// `avg_pool2d(x, {.kernel = 3, .padding = 1, .count_include_pad = false})`.
struct AvgPoolOptions {
  PerAxis kernel;
  std::optional<PerAxis> stride = {};  ///< the kernel when not given
  PerAxis padding = 0;                 ///< at most half the kernel
  bool ceil_mode = false;
  bool count_include_pad = true;      ///< whether the zeros of the padding count as elements
  std::int64_t divisor_override = 0;  ///< divides the sums in place of the counts, when not 0
};

/// dst[n, c, p...] = the sum of the elements of src[n, c] under window p divided by their number.
Tensor avg_pool1d(const Tensor& src, const AvgPoolOptions& options, Location where = Location::current());
Tensor avg_pool2d(const Tensor& src, const AvgPoolOptions& options, Location where = Location::current());
Tensor avg_pool3d(const Tensor& src, const AvgPoolOptions& options, Location where = Location::current());

/// The same over `output` windows per axis that share it evenly: window p of o over s elements is
/// [floor(p s / o), ceil((p + 1) s / o)). An output of 0 per axis is an error.
Tensor adaptive_avg_pool1d(const Tensor& src, const PerAxis& output, Location where = Location::current());
Tensor adaptive_avg_pool2d(const Tensor& src, const PerAxis& output, Location where = Location::current());
Tensor adaptive_avg_pool3d(const Tensor& src, const PerAxis& output, Location where = Location::current());
Tensor adaptive_max_pool1d(const Tensor& src, const PerAxis& output, Location where = Location::current());
Tensor adaptive_max_pool2d(const Tensor& src, const PerAxis& output, Location where = Location::current());
Tensor adaptive_max_pool3d(const Tensor& src, const PerAxis& output, Location where = Location::current());

/// The mean, or the largest, of each channel of [N, C, spatial...]: [N, C, 1...].
Tensor global_avg_pool(const Tensor& src, Location where = Location::current());
Tensor global_max_pool(const Tensor& src, Location where = Location::current());

}  // namespace dagrad
