// What comparisons by operators give.
#pragma once

#include <utility>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// A boolean tensor. In a condition it stands for its one element, so that `if (loss < best)` asks what it seems to
/// ask; a Tensor in a condition asks whether it is defined.
class Mask : public Tensor {
 public:
  explicit Mask(Tensor tensor) : Tensor(std::move(tensor)) {}
  /// Throws UsageError unless there is one element: then it takes all() or any() to say what is meant.
  explicit operator bool() const;
};

}  // namespace dagrad
