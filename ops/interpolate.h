// Resizing of lines, images and volumes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/per_axis.h"

namespace dagrad {

/// How elements between those of the source are made. With r = source size / result size (or 1 / scale factor, where
/// that is what was given), element p of an axis lies at the source's
/// - `nearest`: floor(p r),
/// - `nearest_exact`: floor((p + 1/2) r), the element whose centre is the nearest,
/// - `linear`, `bilinear`, `trilinear` (one, two, three spatial axes): s = max(0, (p + 1/2) r - 1/2), or with
///   align_corners p (source size - 1) / (result size - 1), between elements floor(s) and floor(s) + 1, of weights
///   1 - (s - floor(s)) and s - floor(s) along each axis; beyond the last element there is only that.
enum class InterpolateMode : std::uint8_t { nearest, nearest_exact, linear, bilinear, trilinear };
/// `nearest`, ...
std::string_view name_of(InterpolateMode mode);

/// `interpolate(x, {.scale_factor = {2}, .mode = InterpolateMode::bilinear})`.
struct InterpolateOptions {
  std::optional<PerAxis> size = {};       ///< of the spatial axes; or else
  std::vector<double> scale_factor = {};  ///< one for all, or one for each: size = floor(source size * factor)
  InterpolateMode mode = InterpolateMode::nearest;
  bool align_corners = false;           ///< the first and last elements stay where they are; linear modes only
  bool recompute_scale_factor = false;  ///< r from the sizes, also where scale_factor gave them
};

/// src [N, C, spatial...] with other spatial sizes. f32, bf16 or f64; channels-last sources give channels-last results.
/// Elements of weight 0 have no part, even when they are NaN or infinite. As torch.nn.functional.interpolate. Throws
/// ShapeError, DTypeError, UsageError.
Tensor interpolate(const Tensor& src, const InterpolateOptions& options, Location where = Location::current());

}  // namespace dagrad
