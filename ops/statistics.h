// Spread and size over any axes.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/axes.h"

namespace dagrad {

/// How var and std are taken.
struct VarOptions {
  double correction = 1;  ///< the sum of squares is divided by max(0, n - correction): 1 is Bessel's, 0 is for batches
  bool keepdim = false;
};

/// The variance over `axes`: sum((x - mean)^2) / max(0, n - correction), in two passes, with the sums of f32 and bf16
/// in f64. NaN for one element with correction 1, and over an empty axis. Throws ShapeError, DTypeError for integers.
Tensor var(const Tensor& src, const Axes& axes = {}, const VarOptions& options = {},
           Location where = Location::current());
/// The standard deviation, the root of it. Its gradient where it is 0 is 0. Under `using namespace dagrad` a bare `std`
/// is the ambiguous name of two things: say stddev, which is the same, or dagrad::std.
Tensor std(const Tensor& src, const Axes& axes = {}, const VarOptions& options = {},
           Location where = Location::current());
Tensor stddev(const Tensor& src, const Axes& axes = {}, const VarOptions& options = {},
              Location where = Location::current());

/// sum(|x|^p)^(1/p) over `axes`: for p = 2 the Euclidean length; for p = inf and -inf the largest and the smallest |x|;
/// for p = 0 the number of elements that are not 0. Sums of squares and powers of f32 and bf16 are taken in f64, so
/// that they do not overflow. The gradient where the norm is 0 is 0, as is that of an element that is 0; equal largest
/// (or smallest) elements share it evenly. Over an empty axis it is 0. Throws ShapeError when p is inf or negative and
/// an axis is empty, DTypeError for integers, UsageError when p is NaN. vector_norm is the same under the name in
/// torch.linalg.
Tensor norm(const Tensor& src, double p = 2, const Axes& axes = {}, bool keepdim = false,
            Location where = Location::current());
Tensor vector_norm(const Tensor& src, double p = 2, const Axes& axes = {}, bool keepdim = false,
                   Location where = Location::current());

/// log(sum(exp(x))) over `axes`, without overflow; -inf where all elements are, and over an empty axis. Its gradient is
/// softmax(x): 0 where all elements are -inf, and shared evenly by those that are inf. Throws DTypeError for integers.
Tensor logsumexp(const Tensor& src, const Axes& axes = {}, bool keepdim = false, Location where = Location::current());

}  // namespace dagrad
