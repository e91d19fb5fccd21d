// Who wants to know what nodes keep. Internal.
#pragma once

#include <memory>
#include <span>

#include "dagrad/core/node.h"

namespace dagrad {

class CheckpointFrame;

/// Sees what the calling thread keeps for its backward.
class SaveObserver {
 public:
  /// A node, as soon as it has its saved tensors.
  virtual void recorded(Node& node, std::span<const Tensor* const> inputs) = 0;
  /// A checkpoint, before its function runs.
  virtual void entered(const std::shared_ptr<CheckpointFrame>& frame, std::span<const Tensor> inputs) = 0;

 protected:
  SaveObserver() = default;
  ~SaveObserver() = default;
  SaveObserver(const SaveObserver&) = default;
  SaveObserver& operator=(const SaveObserver&) = default;
};

namespace detail {

// Read whenever an op is recorded, so without a call.
extern constinit thread_local SaveObserver* save_observer;

}  // namespace detail
}  // namespace dagrad
