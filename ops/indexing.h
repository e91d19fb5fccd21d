// Reading and writing at positions that a tensor of indices (i64) names. An index out of range is a UsageError that
// names it and its position, before anything is computed. Negative indices count as out of range, but for take.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// dst[..., i, ...] = src[..., index[i], ...]: positions `index` (1-dim [K], or 0-dim for one) of `axis`, in this
/// order; dst has size K along it. Its gradient is index_add's sum. Throws ShapeError, DTypeError, UsageError.
Tensor index_select(const Tensor& src, std::int64_t axis, const Tensor& index, Location where = Location::current());

/// dst[p] = src[p with index[p] in place of its component along `axis`], of the shape of index. index has as many axes
/// as src, and no more positions along any but `axis`. Throws ShapeError, DTypeError, UsageError.
Tensor gather(const Tensor& src, std::int64_t axis, const Tensor& index, Location where = Location::current());

/// Elements of src counted in row-major order, negative ones from the end: dst has the shape of index.
/// Throws DTypeError, UsageError.
Tensor take(const Tensor& src, const Tensor& index, Location where = Location::current());

/// A copy of src in which values[p] stands at p with index[p] in place of its component along `axis`, for each p in
/// index. index has as many axes as src and values, no more positions along any than values, and than src along any but
/// `axis`. Where several meet, the last one along `axis` stands and gets the gradient, the others get 0.
/// Throws ShapeError, DTypeError, UsageError.
Tensor scatter(const Tensor& src, std::int64_t axis, const Tensor& index, const Tensor& values,
               Location where = Location::current());
/// The same with one number for all values.
Tensor scatter(const Tensor& src, std::int64_t axis, const Tensor& index, double value,
               Location where = Location::current());

/// The same with values added to what is there, and to one another where several meet, in order along `axis`: the
/// result does not depend on the number of threads. f32, f64, i64, and bf16 summed in f32.
Tensor scatter_add(const Tensor& src, std::int64_t axis, const Tensor& index, const Tensor& values,
                   Location where = Location::current());

/// A copy of src to whose position index[i] along `axis` alpha values[..., i, ...] is added, for each i in order.
/// index is [K] (or 0-dim for K = 1), values has src's shape with K along `axis`. Types as in scatter_add.
/// Throws ShapeError, DTypeError, UsageError.
Tensor index_add(const Tensor& src, std::int64_t axis, const Tensor& index, const Tensor& values, double alpha = 1,
                 Location where = Location::current());

}  // namespace dagrad
