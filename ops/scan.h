// Running sums and products along an axis.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// dst[i] = src[0] + ... + src[i] along `axis`; with `reverse`, src[i] + ... + src[n - 1]. f32 and bf16 are added up in
/// f64, integers and booleans in i64.
Tensor cumsum(const Tensor& src, std::int64_t axis, bool reverse = false, Location where = Location::current());
/// The same of products. Derivatives of any order are right where elements are 0.
Tensor cumprod(const Tensor& src, std::int64_t axis, bool reverse = false, Location where = Location::current());

/// dst[i] = a[i] dst[i - 1] + b[i] along `axis`, with dst[-1] = 0 (so that a[0] does not matter); with `reverse`,
/// dst[i] = a[i] dst[i + 1] + b[i]. Equal shapes and floating types. Throws ShapeError, DTypeError.
Tensor linear_recurrence(const Tensor& a, const Tensor& b, std::int64_t axis, bool reverse = false,
                         Location where = Location::current());

}  // namespace dagrad
