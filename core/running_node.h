// The node whose backward the calling thread is running, and the numbers of new nodes. Internal.
#pragma once

#include <cstdint>

#include "dagrad/core/node.h"

namespace dagrad {

/// Null outside of a backward.
const Node* running_node();

class RunningNode {
 public:
  explicit RunningNode(const Node& node);
  ~RunningNode();
  RunningNode(const RunningNode&) = delete;
  RunningNode& operator=(const RunningNode&) = delete;

 private:
  const Node* before_;
};

/// A number above `newest_input` and above every number given to this thread before.
std::uint64_t next_sequence(std::uint64_t newest_input);

}  // namespace dagrad
