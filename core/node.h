// Node: one recorded op, or one leaf, of the autograd graph.
#pragma once

#include <atomic>
#include <boost/intrusive/list_hook.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dagrad/core/tensor.h"

namespace dagrad {

class Backward;
class Tape;

/// Where a gradient goes: output `output` of `node`. Null where the input needs no gradient.
struct Edge {
  NodePointer node;
  std::uint32_t output = 0;
};

/// What a node knows of one of its outputs, and the slot in which the gradient for it adds up during a backward pass.
struct NodeOutput {
  Shape shape;
  DType dtype = f32;
  Tensor gradient;
};

/// A tensor kept for the backward, with the version that it had.
struct SavedTensor {
  Tensor tensor;
  std::uint32_t version = 0;
  std::int16_t output = -1;                     // which output of the node it is, if it is one
  std::int16_t input = -1;                      // which input of the node it is, if it is one; else a workspace
  static constexpr std::int16_t kRefused = -2;  // as `input`: a workspace that may not be differentiated
};

/// Runs before a node's backward and may change the gradients of its outputs.
using NodePreHook = std::function<void(const Node& node, std::span<Tensor> gradients)>;
/// Runs after a node's backward with the gradients it gave to its inputs (undefined where none) and may change them.
using NodePostHook = std::function<void(const Node& node, std::span<Tensor> given)>;

/// One recorded op: the op by value, its edges, its outputs' shapes and its saved tensors, in one allocation.
/// Owned by the tensors that it produced and by the nodes recorded after it; freed without recursion.
class Node : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
 public:
  /// How many edges, outputs and saved tensors follow the node in its block.
  struct Arity {
    std::uint32_t edges = 0, outputs = 0, saved = 0;
    std::size_t bytes() const {
      return edges * sizeof(Edge) + outputs * sizeof(NodeOutput) + saved * sizeof(SavedTensor);
    }
  };

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// The op's name; a leaf's is "leaf".
  virtual std::string_view name() const = 0;
  /// The op's attributes as text, like `axis=1`; empty where it has none.
  virtual std::string attributes() const { return {}; }
  virtual bool is_leaf() const { return false; }
  /// Where the op's gradient is zero, in words; empty where nothing is known.
  virtual std::string_view zero_gradient() const { return {}; }

  /// Greater than the sequence of every node that it has an edge to; rises in creation order within a thread.
  std::uint64_t sequence() const { return sequence_; }
  const Location& where() const { return where_; }
  /// The dotted name of the module that recorded it (see nn::Module::name_parameters), or empty.
  std::string_view module() const { return module_ ? std::string_view(*module_) : std::string_view(); }
  /// `recorded at file:line`, with `in module 'encoder.0'` where there is one.
  std::string place() const;
  std::span<const Edge> edges() const { return {edges_, edge_count_}; }
  std::span<const NodeOutput> outputs() const { return {outputs_at(), output_count_}; }
  std::span<const SavedTensor> saved() const { return {saved_at(), saved_count_}; }
  /// Bytes of the node itself.
  std::size_t bytes() const { return bytes_; }
  /// Whether a backward pass without retain_graph has freed the saved tensors.
  bool released() const { return released_; }
  /// The name given by Tensor::set_name, or empty.
  std::string label() const;

  int register_prehook(NodePreHook hook);
  int register_posthook(NodePostHook hook);
  void remove_hook(int handle);

 protected:
  Node(Arity arity, std::size_t head_bytes, Location where);
  virtual ~Node();

  /// Sets the sequence and what is known of output `i`.
  void set_identity(std::uint64_t sequence, std::uint32_t i, const Spec& spec) {
    sequence_ = sequence;
    outputs_at()[i].shape = spec.shape;
    outputs_at()[i].dtype = spec.dtype;
  }

  void set_edge(std::size_t i, const Edge& edge) { edges_[i] = edge; }

  /// Turns gradients of the outputs into gradients of the inputs by ctx.give(). Undefined gradients are zero.
  virtual void backward(Backward& ctx, std::span<Tensor> gradients) = 0;

 private:
  friend class Backward;
  friend class BackwardPass;
  friend class CheckpointFrame;
  friend class GraphSnapshot;
  friend class Tape;
  friend class Tensor;
  friend class Recorder;
  friend void intrusive_ptr_add_ref(Node* node);
  friend void intrusive_ptr_release(Node* node);

  // The edges, the outputs and the saved tensors lie behind the node, in this order.
  NodeOutput* outputs_at() const { return reinterpret_cast<NodeOutput*>(edges_ + edge_count_); }
  SavedTensor* saved_at() const { return reinterpret_cast<SavedTensor*>(outputs_at() + output_count_); }

  struct Extras;  // hooks, retained gradients, name: rare, so kept apart
  Extras& extras();
  void release_saved();
  void leave_checkpoint();
  static void destroy(Node* node) noexcept;

  std::atomic<std::uint32_t> references_{0};
  std::atomic<std::uint32_t> pass_{0};  // the backward pass that is using this node; 0: none
  std::uint64_t sequence_ = 0;
  Location where_;
  const std::string* module_ = nullptr;
  Edge* edges_;
  std::uint32_t edge_count_;
  std::uint32_t output_count_ : 16;
  std::uint32_t saved_count_ : 16;
  std::uint32_t bytes_;
  std::uint8_t tape_ = 0;
  bool queued_ = false;    // waits in the pass's queue
  bool needed_ = true;     // false while a pruned pass does not want gradients from here
  bool captured_ = false;  // a pass wants the gradient of one of the outputs
  bool released_ = false;
  std::unique_ptr<Extras> extras_;
};

inline void intrusive_ptr_add_ref(Node* node) { node->references_.fetch_add(1, std::memory_order_relaxed); }
inline void intrusive_ptr_release(Node* node) {
  if (node->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Node::destroy(node);
}

}  // namespace dagrad
