// Counting equal elements.
#pragma once

#include <cstdint>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// dst[v] = how often v is in src (i64, a vector), for v from 0 to the largest, or to minlength - 1 where that is more.
/// As torch.bincount. Throws UsageError that names a negative element and its position; ShapeError, DTypeError.
Tensor bincount(const Tensor& src, std::int64_t minlength = 0, Location where = Location::current());
/// dst[v] = the sum of weights[i] over the i with src[i] = v, in their order, of the weights' type. The gradient of
/// weights[i] is that of dst[src[i]].
Tensor bincount(const Tensor& src, const Tensor& weights, std::int64_t minlength = 0,
                Location where = Location::current());

struct UniqueOptions {
  bool return_inverse = false;
  bool return_counts = false;
};

/// What was not asked for is undefined.
struct UniqueElements {
  Tensor values;   ///< [K], ascending
  Tensor inverse;  ///< of src's shape (i64): values[inverse[p]] is src[p]
  Tensor counts;   ///< [K] (i64): how often each is in src
};

/// Each element of src once, of any type. -0 equals 0, of which the first in src stands; NaNs come last and are all
/// different from one another. As torch.unique without `dim`. What it gives is a constant to derivatives.
UniqueElements unique(const Tensor& src, const UniqueOptions& options = {}, Location where = Location::current());

}  // namespace dagrad
