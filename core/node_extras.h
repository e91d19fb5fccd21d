// What few nodes have: hooks, retained gradients, a name. Internal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dagrad/core/node.h"

namespace dagrad {

class CheckpointFrame;

struct Node::Extras {
  struct TensorHook {
    int handle;
    std::uint32_t output;
    GradientHook hook;
  };
  template <class Hook>
  struct NodeHook {
    int handle;
    Hook hook;
  };
  struct Retained {
    std::uint32_t output;
    Tensor gradient;
  };

  std::vector<TensorHook> tensor_hooks;
  std::vector<NodeHook<NodePreHook>> prehooks;
  std::vector<NodeHook<NodePostHook>> posthooks;
  std::vector<Retained> retained;
  std::string label;
  std::shared_ptr<CheckpointFrame> checkpoint;  // has the saved tensors made again
  std::size_t checkpoint_note = 0;
  int next_handle = 0;
};

}  // namespace dagrad
