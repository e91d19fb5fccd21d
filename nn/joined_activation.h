// An activation that runs within the layer before it. Internal.
#pragma once

#include <optional>

#include "dagrad/nn/module.h"
#include "dagrad/ops/matmul.h"

namespace dagrad::nn {

/// Whether the calling thread's forwards are seen by a ForwardObserver.
bool is_observed();

/// Whether `layer` and `next` behind it may run as one op, and which activation `next` is.
std::optional<Activation> joins(const Module& layer, const Module& next);

/// While it lives, the next forward of a layer that joins() applies `activation` to its result.
class JoinedActivation {
 public:
  explicit JoinedActivation(Activation activation);
  ~JoinedActivation();
  JoinedActivation(const JoinedActivation&) = delete;
  JoinedActivation& operator=(const JoinedActivation&) = delete;

  /// For the layer: what it is to apply, once.
  static std::optional<Activation> take();
};

}  // namespace dagrad::nn
