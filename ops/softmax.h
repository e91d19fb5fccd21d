// Softmax.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"

namespace dagrad {

/// exp(src) / sum(exp(src), axis), computed without overflow. NaN where all along the axis are -infinity.
Tensor softmax(const Tensor& src, std::int64_t axis = -1, Location where = Location::current());

/// src - log(sum(exp(src), axis)), computed without overflow.
Tensor log_softmax(const Tensor& src, std::int64_t axis = -1, Location where = Location::current());

}  // namespace dagrad
