#include "dagrad/core/running_node.h"

#include <algorithm>

namespace dagrad {
namespace {

thread_local const Node* running = nullptr;
thread_local std::uint64_t last_sequence = 0;

}  // namespace

const Node* running_node() { return running; }

RunningNode::RunningNode(const Node& node) : before_(running) { running = &node; }
RunningNode::~RunningNode() { running = before_; }

std::uint64_t next_sequence(std::uint64_t newest_input) {
  last_sequence = std::max(last_sequence, newest_input) + 1;
  return last_sequence;
}

}  // namespace dagrad
