// The gradient of a result that is one of the elements. Internal.
#pragma once

#include "dagrad/ops/axis_set.h"

namespace dagrad {

/// diff_dst in equal parts at the elements of src that equal dst, the result over `over`'s axes; 0 elsewhere. NaN for a
/// result that none equals. An op, which is linear in diff_dst.
Tensor equal_shares(const OverAxes& over, const Tensor& diff_dst, const Tensor& src, const Tensor& dst);

}  // namespace dagrad
