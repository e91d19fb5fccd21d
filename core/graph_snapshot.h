// What a backward would change in a graph, to be put back. Internal.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "dagrad/core/checkpoint_frame.h"
#include "dagrad/core/graph.h"

namespace dagrad {

/// Holds the saved tensors, the checkpoints and the leaves' gradients of a graph while a backward is rehearsed in it,
/// and puts them back. Meanwhile each leaf that has a gradient has one of a rehearsal's memory in its place.
class GraphSnapshot {
 public:
  /// Of the nodes up to the sequence `newest`, and of all leaves.
  GraphSnapshot(const Graph& graph, std::uint64_t newest);
  ~GraphSnapshot();
  GraphSnapshot(const GraphSnapshot&) = delete;
  GraphSnapshot& operator=(const GraphSnapshot&) = delete;

  /// The checkpoint that has the node's saved tensors made again, or null.
  static std::shared_ptr<CheckpointFrame> checkpoint_of(const Node& node);

  /// Bytes of the gradients that the leaves had.
  std::size_t gradient_bytes() const { return gradient_bytes_; }

 private:
  struct KeptNode {
    NodePointer node;
    std::vector<SavedTensor> saved;
    bool released;
    std::shared_ptr<CheckpointFrame> frame;
    std::size_t note;
  };
  struct KeptLeaf {
    NodePointer leaf;
    Tensor gradient;
    Tensor stand_in;  // where the user holds the gradient, too
  };

  void keep(const NodePointer& node);
  void keep_gradient(const NodePointer& leaf);

  std::vector<KeptNode> nodes_;
  std::vector<KeptLeaf> leaves_;
  std::unordered_map<std::shared_ptr<CheckpointFrame>, std::shared_ptr<const CheckpointFrame::State>> frames_;
  std::size_t gradient_bytes_ = 0;
};

}  // namespace dagrad
