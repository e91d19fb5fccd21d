// Padding.
#pragma once

#include <cstdint>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// What stands beyond the border of `1 2 3 4`: a constant; `3 2 | 1 2 3 4 | 3 2`; `1 1 | 1 2 3 4 | 4 4`; or
/// `3 4 | 1 2 3 4 | 1 2`.
enum class PadMode : std::uint8_t { constant, reflect, replicate, circular };

/// `src` made larger along its last axes: pads = {before the last axis, after it, before the last but one, ...}, as in
/// torch.nn.functional.pad. A negative pad crops. Gradients of elements that stand in several places add up.
/// Throws ShapeError when more is cropped than there is, and when the source is too small for the mode: `reflect` needs
/// pads below the size, `circular` pads up to the size, `replicate` an element.
Tensor pad(const Tensor& src, const std::vector<std::int64_t>& pads, PadMode mode = PadMode::constant, double value = 0,
           Location where = Location::current());

}  // namespace dagrad
