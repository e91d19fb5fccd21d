// Losses as modules of two inputs.
#pragma once

#include "dagrad/ops/cross_entropy.h"

namespace dagrad::nn {

/// cross_entropy(logits, target) with the reduction it was made with.
class CrossEntropyLoss {
 public:
  explicit CrossEntropyLoss(Reduction reduction = Reduction::mean) : reduction_(reduction) {}
  Tensor operator()(const Tensor& logits, const Tensor& target, Location where = Location::current()) const {
    return cross_entropy(logits, target, reduction_, where);
  }

 private:
  Reduction reduction_;
};

}  // namespace dagrad::nn
