// The elements in another order, and repeated. All results are copies.
#pragma once

#include <cstdint>
#include <vector>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/axes.h"

namespace dagrad {

/// The elements in opposite order along `axes`.
Tensor flip(const Tensor& src, const Axes& axes, Location where = Location::current());

/// Moves the elements on by `shift` positions; those that pass the end come in at the start. Without an axis, as if
/// `src` were flat.
Tensor roll(const Tensor& src, std::int64_t shift, Location where = Location::current());
Tensor roll(const Tensor& src, std::int64_t shift, std::int64_t axis, Location where = Location::current());
/// The same along several axes; an axis that is named twice moves by both shifts.
Tensor roll(const Tensor& src, const std::vector<std::int64_t>& shifts, const std::vector<std::int64_t>& axes,
            Location where = Location::current());

/// The whole tensor times[i] times along axis i, counted from the last (NumPy's tile): missing leading ones are 1, and
/// surplus ones make new axes. repeat, as in PyTorch, wants a number for every axis.
/// Throws ShapeError on a negative number.
Tensor tile(const Tensor& src, const std::vector<std::int64_t>& times, Location where = Location::current());
Tensor repeat(const Tensor& src, const std::vector<std::int64_t>& times, Location where = Location::current());

/// Each position of `axis` (without one: each element of the flat tensor) `times` times in a row.
Tensor repeat_interleave(const Tensor& src, std::int64_t times, Location where = Location::current());
Tensor repeat_interleave(const Tensor& src, std::int64_t times, std::int64_t axis,
                         Location where = Location::current());
/// The same with a number of times for each position: `counts` (i64) of [size of the axis], or of [1] for all. Throws
/// ShapeError, DTypeError, and UsageError that names a count below 0 and its position.
Tensor repeat_interleave(const Tensor& src, const Tensor& counts, Location where = Location::current());
Tensor repeat_interleave(const Tensor& src, const Tensor& counts, std::int64_t axis,
                         Location where = Location::current());

}  // namespace dagrad
