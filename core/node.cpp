#include "dagrad/core/node.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <new>

#include "dagrad/core/allocator.h"
#include "dagrad/core/checkpoint_frame.h"
#include "dagrad/core/error.h"
#include "dagrad/core/node_extras.h"
#include "dagrad/core/tape.h"

namespace dagrad {
namespace {

template <class T>
T* lay_out(std::byte*& at, std::size_t count) {
  T* const first = reinterpret_cast<T*>(at);
  std::uninitialized_default_construct_n(first, count);
  at += count * sizeof(T);
  return first;
}

/// Counts of outputs and saved tensors have 16 bits each. A node whose construction ends here has nobody who would give
/// its block back, so that is done before.
Location checked(Location where, const Node::Arity& arity, void* block, std::size_t head_bytes) {
  constexpr std::uint32_t kMost = 0xffff;
  if (arity.outputs <= kMost && arity.saved <= kMost) return where;
  allocator::deallocate(block, head_bytes + arity.bytes());
  throw UsageError(fmt::format("op recorded at {}:{}: {} outputs, {} saved tensors (want at most {} of each)",
                               where.file, where.line, arity.outputs, arity.saved, kMost));
}

}  // namespace

Node::Node(Arity arity, std::size_t head_bytes, Location where)
    : where_(checked(where, arity, this, head_bytes)),
      edge_count_(arity.edges),
      output_count_(arity.outputs & 0xffffu),
      saved_count_(arity.saved & 0xffffu),
      bytes_(static_cast<std::uint32_t>(head_bytes + arity.bytes())) {
  std::byte* at = reinterpret_cast<std::byte*>(this) + head_bytes;
  edges_ = lay_out<Edge>(at, arity.edges);
  lay_out<NodeOutput>(at, arity.outputs);
  lay_out<SavedTensor>(at, arity.saved);
  Tape::current().link(*this);
}

Node::~Node() {
  leave_checkpoint();
  std::destroy_n(saved_at(), saved_count_);
  std::destroy_n(outputs_at(), output_count_);
  std::destroy_n(edges_, edge_count_);
}

// A node that goes takes its edges along, whose nodes may go in turn, ten million deep. So the nodes that are to go
// wait in a list (linked through `sequence_`, which a dead node does not need), and only the outermost call empties it.
void Node::destroy(Node* node) noexcept {
  thread_local Node* waiting = nullptr;
  thread_local bool emptying = false;
  node->sequence_ = reinterpret_cast<std::uintptr_t>(waiting);
  waiting = node;
  if (emptying) return;
  emptying = true;
  while (waiting != nullptr) {
    Node* const next = waiting;
    waiting = reinterpret_cast<Node*>(static_cast<std::uintptr_t>(next->sequence_));
    Tape::unlink(*next);
    const std::size_t bytes = next->bytes_;
    next->~Node();
    allocator::deallocate(next, bytes);
  }
  emptying = false;
}

Node::Extras& Node::extras() {
  if (!extras_) extras_ = std::make_unique<Extras>();
  return *extras_;
}

std::string Node::place() const {
  std::string text = fmt::format("recorded at {}:{}", where_.file, where_.line);
  if (module_ != nullptr) text += fmt::format(" in module '{}'", *module_);
  return text;
}

std::string Node::label() const { return extras_ ? extras_->label : std::string(); }

void Node::leave_checkpoint() {
  if (!extras_ || !extras_->checkpoint) return;
  const std::shared_ptr<CheckpointFrame> frame = std::move(extras_->checkpoint);
  frame->forget(extras_->checkpoint_note);
}

void Node::release_saved() {
  if (saved_count_ == 0) return;
  leave_checkpoint();
  for (SavedTensor& kept : std::span(saved_at(), saved_count_)) kept.tensor = Tensor();
  released_ = true;
}

int Node::register_prehook(NodePreHook hook) {
  Extras& more = extras();
  more.prehooks.push_back({more.next_handle, std::move(hook)});
  return more.next_handle++;
}

int Node::register_posthook(NodePostHook hook) {
  Extras& more = extras();
  more.posthooks.push_back({more.next_handle, std::move(hook)});
  return more.next_handle++;
}

void Node::remove_hook(int handle) {
  if (!extras_) return;
  const auto is_it = [handle](const auto& hook) { return hook.handle == handle; };
  std::erase_if(extras_->tensor_hooks, is_it);
  std::erase_if(extras_->prehooks, is_it);
  std::erase_if(extras_->posthooks, is_it);
}

}  // namespace dagrad
