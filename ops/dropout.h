// Dropout: elements, or channels, that are left out at random. Masks come from a generator and do not depend on the
// number of threads.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// Each element is set to 0 with probability `p`, else divided by 1 - p, so that its mean stays (Srivastava et al.
/// 2014, inverted). A dropped element is 0 also when it was NaN or infinite. p = 1 gives zeros. Throws UsageError
/// unless 0 <= p <= 1.
Tensor dropout(const Tensor& src, double p = 0.5, Generator& generator = default_generator(),
               Location where = Location::current());

/// The same for whole channels: all elements of src[n, c] of src [N, C, ...], of any number of dimensions from 2 on,
/// are dropped, or kept, together (Tompson et al. 2015). Channels-last input gives channels-last output.
/// dropout1d is the same for [N, C, L] or [C, L], dropout2d for [N, C, H, W] or [C, H, W], and dropout3d for
/// [N, C, D, H, W] or [C, D, H, W]. Throws ShapeError on other dimensions.
Tensor feature_dropout(const Tensor& src, double p = 0.5, Generator& generator = default_generator(),
                       Location where = Location::current());
Tensor dropout1d(const Tensor& src, double p = 0.5, Generator& generator = default_generator(),
                 Location where = Location::current());
Tensor dropout2d(const Tensor& src, double p = 0.5, Generator& generator = default_generator(),
                 Location where = Location::current());
Tensor dropout3d(const Tensor& src, double p = 0.5, Generator& generator = default_generator(),
                 Location where = Location::current());

/// Dropout that keeps mean 0 and variance 1, for selu: with c = 1.7580993408 (minus selu's limit),
/// a = 1 / sqrt((1 - p) (1 + p c^2)), an element x becomes -a c (1 - p) with probability `p`, else a x + a c p
/// (Klambauer et al. 2017). p = 1 gives zeros. Throws UsageError unless 0 <= p <= 1.
Tensor alpha_dropout(const Tensor& src, double p = 0.5, Generator& generator = default_generator(),
                     Location where = Location::current());

}  // namespace dagrad
