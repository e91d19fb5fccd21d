// What a checkpoint remembers. Internal.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "dagrad/core/node.h"
#include "dagrad/core/random.h"
#include "dagrad/core/random_log.h"
#include "dagrad/core/save_observer.h"
#include "dagrad/core/tensor_function.h"

namespace dagrad {

/// For a scope of the calling thread, recomputing() says so.
class Recomputing {
 public:
  explicit Recomputing(bool on = true);
  ~Recomputing();
  Recomputing(const Recomputing&) = delete;
  Recomputing& operator=(const Recomputing&) = delete;

 private:
  bool on_;
};

/// One call of checkpoint(). Owned by the nodes that it took saved tensors from.
///
/// While the function runs, the frame takes note of each node with saved tensors and of each checkpoint inside. When it
/// has returned, it drops those tensors that the function made, and remembers what they were.
/// The second call records the same nodes in the same order, so that the n-th of them has the tensors of the n-th note.
class CheckpointFrame final : public SaveObserver, public std::enable_shared_from_this<CheckpointFrame> {
 public:
  CheckpointFrame(const TensorFunction& function, const std::vector<Tensor>& inputs);

  /// The function's first call.
  std::vector<Tensor> run();
  /// Puts the saved tensors of a node back that has lost them.
  static void restore(Node& node);
  /// Tells that a node no longer wants its tensors back.
  void forget(std::size_t note);

  /// What a backward changes in the frame.
  struct State;
  std::shared_ptr<const State> state() const;
  void set_state(const State& state);
  const std::vector<Tensor>& inputs() const { return inputs_; }
  /// The checkpoint that this one ran in, while it is needed; or null.
  const std::shared_ptr<CheckpointFrame>& parent() const { return parent_; }

 private:
  /// A tensor that was dropped: what it was.
  struct Dropped {
    bool dropped = false;
    Spec spec;
    const Storage* storage = nullptr;  // to be compared, not followed
    std::uint32_t version = 0;
  };
  /// A node that had saved tensors, or a checkpoint inside that had inputs.
  struct Note {
    NodePointer node;                      // while the function runs for the first time
    std::weak_ptr<CheckpointFrame> frame;  // instead, for a checkpoint inside
    std::vector<Dropped> tensors;
    std::vector<Tensor> recomputed;
    bool wanted = true;
  };
  class SecondCall;

  void recorded(Node& node, std::span<const Tensor* const> inputs) override;
  void entered(const std::shared_ptr<CheckpointFrame>& inside, std::span<const Tensor> inputs) override;
  bool made_outside(const Tensor& t) const;
  Dropped drop(Tensor& t) const;
  void drop_all();
  void recompute();
  std::vector<Tensor> take(std::size_t note);
  std::vector<Tensor> inputs_again();

  TensorFunction function_;
  std::vector<Tensor> inputs_;
  std::vector<std::uint32_t> input_versions_;
  std::vector<bool> inputs_require_grad_;
  std::uint64_t start_;                      // nodes up to this sequence were there before
  std::vector<const Storage*> outside_;      // elements that others keep anyway
  std::shared_ptr<CheckpointFrame> parent_;  // the checkpoint that this one ran in, while it has its inputs
  std::size_t note_in_parent_ = 0;
  Generator generator_;  // the thread's, before the first call
  bool autocast_;
  RandomLog random_;
  std::vector<std::uint32_t> versions_;  // of each recorded op's inputs, where they were made outside
  std::vector<Note> notes_;
  std::recursive_mutex mutex_;
  bool recomputing_ = false;
};

}  // namespace dagrad
