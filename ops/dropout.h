// Dropout.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/random.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// Each element is set to 0 with probability `p`, else divided by 1 - p, so that its mean stays (Srivastava et al.
/// 2014, inverted). The mask comes from `generator` and does not depend on the number of threads. Throws UsageError
/// unless 0 <= p <= 1; p = 1 gives zeros.
Tensor dropout(const Tensor& src, double p = 0.5, Generator& generator = default_generator(),
               Location where = Location::current());

}  // namespace dagrad
