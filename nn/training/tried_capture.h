// Steps of a model that are captured where they can be. Internal.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dagrad/core/capture/captured_step.h"
#include "dagrad/nn/module.h"

namespace dagrad::nn {

/// A CapturedStep that leaves no trace where it turns out that it cannot be captured: buffers and random numbers are
/// then where they were, so that the step can be run as it stands.
class TriedCapture {
 public:
  /// `step` may change the model's buffers, and gradients that it clears first; the model must outlive this.
  TriedCapture(Module& model, TensorFunction step);

  /// As CapturedStep::on(). Nothing where the step cannot be captured, now and from then on. A replay that is refused
  /// throws, as it has begun.
  std::optional<std::vector<Tensor>> call(std::span<const Tensor> inputs);
  /// Why it cannot be captured; empty where it can, as far as is known.
  const std::string& why_not() const { return why_not_; }

 private:
  class Before;

  std::shared_ptr<std::optional<Before>> before_;  // while the function runs; shared with it
  std::optional<CapturedCalls> step_;
  std::string why_not_;
};

}  // namespace dagrad::nn
