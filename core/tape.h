// The tape: every recorded node that is alive.
#pragma once

#include <cstddef>
#include <functional>

#include "dagrad/core/node.h"

namespace dagrad {

/// The nodes that the calling thread has recorded and that somebody still owns, in creation order. Whatever is in it
/// after the last tensor of a step has gone out of scope is being kept by somebody: walk it to see what and where from.
class Tape {
 public:
  /// The calling thread's tape. (Tapes are few; threads beyond their number share them.)
  static Tape& current();

  std::size_t size() const;
  /// Bytes of the nodes themselves, without the tensors they keep.
  std::size_t bytes() const;
  /// Calls `visit` for each node, oldest first. The tape is locked meanwhile: `visit` must not record or free nodes.
  void for_each(const std::function<void(const Node&)>& visit) const;

  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

 private:
  friend class Node;
  struct State;
  Tape();
  void link(Node& node);
  static void unlink(Node& node) noexcept;
  State* state_;
};

}  // namespace dagrad
