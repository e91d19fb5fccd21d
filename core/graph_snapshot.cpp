#include "dagrad/core/graph_snapshot.h"

#include <algorithm>

#include "dagrad/core/leaf.h"
#include "dagrad/core/node_extras.h"
#include "dagrad/core/rehearsal.h"

namespace dagrad {

GraphSnapshot::GraphSnapshot(const Graph& graph, std::uint64_t newest) {
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    const NodePointer& node = graph.pointer(v);
    if (node->is_leaf())
      keep_gradient(node);
    else if (node->sequence() <= newest)
      keep(node);
  }
}

std::shared_ptr<CheckpointFrame> GraphSnapshot::checkpoint_of(const Node& node) {
  return node.extras_ ? node.extras_->checkpoint : nullptr;
}

void GraphSnapshot::keep(const NodePointer& node) {
  if (node->saved_count_ == 0) return;
  const auto saved = node->saved();
  KeptNode kept{node, {saved.begin(), saved.end()}, node->released_, nullptr, 0};
  if ((kept.frame = checkpoint_of(*node))) {
    kept.note = node->extras_->checkpoint_note;
    for (auto frame = kept.frame; frame && !frames_.contains(frame); frame = frame->parent())
      frames_.emplace(frame, frame->state());
  }
  nodes_.push_back(std::move(kept));
}

void GraphSnapshot::keep_gradient(const NodePointer& leaf) {
  auto& node = static_cast<Leaf&>(*leaf);
  KeptLeaf kept{leaf, node.grad(), {}};
  if (kept.gradient.defined()) {
    gradient_bytes_ += Storage::footprint(kept.gradient.bytes());
    node.set_grad({});
    Tensor stand_in = Tensor::allocate(kept.gradient.spec());
    if (Rehearsal* const rehearsal = Rehearsal::current()) rehearsal->set_existing(stand_in);
    if (!kept.gradient.owns_elements_alone()) kept.stand_in = stand_in;
    node.set_grad(std::move(stand_in));
  }
  leaves_.push_back(std::move(kept));
}

GraphSnapshot::~GraphSnapshot() {
  for (const KeptLeaf& kept : leaves_) static_cast<Leaf&>(*kept.leaf).set_grad(kept.gradient);
  for (const KeptNode& kept : nodes_) {
    std::copy(kept.saved.begin(), kept.saved.end(), kept.node->saved_at());
    kept.node->released_ = kept.released;
    if (!kept.frame) continue;
    kept.node->extras_->checkpoint = kept.frame;
    kept.node->extras_->checkpoint_note = kept.note;
  }
  for (const auto& [frame, state] : frames_) frame->set_state(*state);
}

}  // namespace dagrad
