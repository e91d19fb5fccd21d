// Softmax and the loss on it.
#pragma once

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/loss_reduction.h"

namespace dagrad {

/// src - log(sum(exp(src), axis)), computed without overflow.
Tensor log_softmax(const Tensor& src, std::int64_t axis = -1, Location where = Location::current());

/// -log_softmax(logits)[i, target[i]] for logits [N, C] and class indices target [N] (i64), averaged, summed or as [N].
/// One fused kernel in each direction; the gradient is (softmax - onehot(target)) times the incoming one (/ N for the
/// mean). Throws UsageError naming the first label outside [0, C), ShapeError, DTypeError.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, Reduction reduction = Reduction::mean,
                     Location where = Location::current());

}  // namespace dagrad
